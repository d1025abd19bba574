import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NodeError } from '../errors.js';

/**
 * A value that belongs to this installation: read from `DATA/secrets/NAME`, made on first use.
 * Creation is exclusive, so two programs starting together end with one value.
 * @throws DATA_FOLDER_UNWRITABLE
 */
export function installationSecret(
  dataDir: string,
  name: string,
  make: () => string = () => randomBytes(32).toString('hex'),
): string {
  const folder = join(dataDir, 'secrets');
  const path = join(folder, name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(path, make(), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new NodeError('DATA_FOLDER_UNWRITABLE', `the data folder ${dataDir} cannot be written`, {
      cause: error,
      hint: 'Set ZSKY_DATA_DIR to a folder this user may write.',
    });
  }
}
