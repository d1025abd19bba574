import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** The project's folder, the same whether running from sources or from dist/. */
export const PROJECT_ROOT = findRoot();

/** Pieces that set-up fetched or converted: broker, ffmpeg, safety models. */
export const CACHE_DIR = join(PROJECT_ROOT, '.cache');

/** Version of this program, from package.json. */
export const PROGRAM_VERSION = (
  JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string }
).version;
