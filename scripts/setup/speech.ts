import { join } from 'node:path';
import { npmPackageFolder, type PinnedPackage } from './npm-package.js';

/** An English voice with its dictionary: Apache-2.0, 14 MB unpacked; only its files are used, none of its code. */
const VOICE: PinnedPackage = {
  name: '@dittli/tts-en',
  version: '0.6.0',
  integrity:
    'sha512-cyFCzTm+GMzqIX/T1qjWnb6cRSF3MsUoLB0O8gR+TTmCPZmdH6s96/Uw8uD2VqoSjoY/3NQNmcB0ha7kcxRWoQ==',
};

/**
 * Folder of the English voice, fetched into the project cache on the first call.
 * @throws SETUP_FAILED
 */
export async function prepareVoice(onProgress: (line: string) => void): Promise<string> {
  onProgress(`voice: ${VOICE.name}@${VOICE.version} (Apache-2.0)`);
  return join(await npmPackageFolder(VOICE), 'assets', 'en');
}
