import { join } from 'node:path';
import { installationSecret } from '../config/secrets.js';
import type { Settings } from '../config/settings.js';
import { NodeError } from '../errors.js';
import { LocalStore } from './local-store.js';
import { S3Store } from './s3-store.js';
import type { ResultStore } from './store.js';

/**
 * The result store that the settings name. `publicUrl` is where the API serves downloads of the local
 * driver; programs that sign no links may leave it out.
 * @throws CONFIG_INVALID, DATA_FOLDER_UNWRITABLE
 */
export function openResultStore(settings: Settings, publicUrl = ''): ResultStore {
  const { driver, folder, s3 } = settings.storage;
  if (driver === 's3') {
    if (s3 === undefined)
      throw new NodeError('CONFIG_INVALID', 'storage.s3 must be set when storage.driver is s3');
    return new S3Store(s3);
  }
  return new LocalStore({
    folder: folder ?? join(settings.dataDir, 'results'),
    publicUrl,
    secret: settings.api.urlSecret ?? installationSecret(settings.dataDir, 'url-secret'),
  });
}
