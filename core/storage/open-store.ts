import { join } from 'node:path';
import { installationSecret } from '../config/secrets.js';
import type { Settings } from '../config/settings.js';
import { NodeError } from '../errors.js';
import { LocalStore } from './local-store.js';
import { S3Store } from './s3-store.js';
import type { ResultStore } from './store.js';

/** What a program that signs links adds; one that only stores may leave it out. */
interface Links {
  /** Where the API serves downloads of the local driver, without a slash at the end. */
  readonly publicUrl?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Key of the links that the API itself serves; undefined with the S3 driver, whose service serves them.
 * @throws DATA_FOLDER_UNWRITABLE
 */
export function downloadSecret(settings: Settings): string | undefined {
  if (settings.storage.driver === 's3') return undefined;
  return settings.api.urlSecret ?? installationSecret(settings.dataDir, 'url-secret');
}

/**
 * The result store that the settings name.
 * @throws CONFIG_INVALID, DATA_FOLDER_UNWRITABLE
 */
export function openResultStore(settings: Settings, { publicUrl = '', now }: Links = {}): ResultStore {
  const { folder, s3 } = settings.storage;
  const secret = downloadSecret(settings);
  if (secret === undefined) {
    if (s3 === undefined)
      throw new NodeError('CONFIG_INVALID', 'storage.s3 must be set when storage.driver is s3');
    return new S3Store(s3);
  }
  return new LocalStore({
    folder: folder ?? join(settings.dataDir, 'results'),
    publicUrl,
    secret,
    ...(now === undefined ? {} : { now }),
  });
}
