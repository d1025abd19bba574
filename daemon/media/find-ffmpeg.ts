import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { NodeError } from '../../core/errors.js';
import { CACHE_DIR } from '../../core/paths.js';

/** Where `zsky-node setup` puts the ffmpeg that it fetches. */
export const CACHED_FFMPEG = join(CACHE_DIR, 'ffmpeg', 'ffmpeg');

const INSTALL_HINT = 'Install it with: npx zsky-node setup   (or: apt-get install ffmpeg)';

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** ffmpeg-static names a file that exists only where its install script could download it. */
function packagedFfmpeg(): string | undefined {
  try {
    const path: unknown = createRequire(import.meta.url)('ffmpeg-static');
    return typeof path === 'string' && runnable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function onPath(searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'ffmpeg'))
    .find(runnable);
}

export interface FfmpegPlaces {
  /** The `ffmpeg` setting; when given, nothing else is looked at. */
  readonly setting?: string | undefined;
  /** Search path in the form of PATH. */
  readonly searchPath?: string | undefined;
  readonly cached?: string | undefined;
  readonly packaged?: string | undefined;
}

/**
 * Path of the ffmpeg to use: the setting, else the one of the ffmpeg-static package, else PATH, else the one
 * that set-up fetched.
 * @throws FFMPEG_MISSING
 */
export function findFfmpeg(places: FfmpegPlaces = {}): string {
  if (places.setting !== undefined) {
    if (runnable(places.setting)) return places.setting;
    throw new NodeError('FFMPEG_MISSING', `the configured ffmpeg ${places.setting} cannot be run`, {
      hint: INSTALL_HINT,
    });
  }
  const cached = places.cached ?? CACHED_FFMPEG;
  const found =
    places.packaged ??
    packagedFfmpeg() ??
    onPath(places.searchPath ?? process.env['PATH'] ?? '') ??
    (runnable(cached) ? cached : undefined);
  if (found !== undefined) return found;
  throw new NodeError('FFMPEG_MISSING', 'no ffmpeg was found', { hint: INSTALL_HINT });
}
