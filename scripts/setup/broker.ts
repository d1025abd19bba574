import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { NodeError } from '../../core/errors.js';
import { CACHE_DIR } from '../../core/paths.js';

const exec = promisify(execFile);
const VERSION = '2.9.10-1+b3';
const SHA256: Readonly<Record<string, string>> = {
  amd64: '9f69ebb6f612e652382fde175622160dcd81fd97f2356f5da80bb5c3f48513dd',
};
const CACHED = join(CACHE_DIR, `nats-server-${VERSION}`, 'usr', 'sbin', 'nats-server');
const HINT =
  'Install it with: apt-get install nats-server   (or set ZSKY_BROKER_BINARY to a nats-server, or ZSKY_BROKER_URL to a running one)';

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of nats-server: the setting, else PATH, else set-up's copy. @throws BROKER_MISSING */
function findBroker(setting?: string): string {
  if (setting !== undefined) {
    if (runnable(setting)) return setting;
    throw new NodeError('BROKER_MISSING', `the configured nats-server ${setting} cannot be run`, {
      hint: HINT,
    });
  }
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin');
  const onPath = folders.map((folder) => join(folder, 'nats-server')).find(runnable);
  const found = onPath ?? (runnable(CACHED) ? CACHED : undefined);
  if (found === undefined) throw new NodeError('BROKER_MISSING', 'no nats-server was found', { hint: HINT });
  return found;
}

/**
 * Makes sure that a nats-server is there, fetching Debian's package into the project cache without root.
 * @throws BROKER_MISSING with the line that installs it.
 */
export async function prepareBroker(onProgress: (line: string) => void, setting?: string): Promise<string> {
  try {
    return findBroker(setting);
  } catch (error) {
    if (setting !== undefined) throw error;
  }
  onProgress('fetching nats-server from the Debian archive');
  const scratch = await mkdtemp(join(await ensured(CACHE_DIR), 'nats-'));
  try {
    await mkdir(join(scratch, 'state', 'lists', 'partial'), { recursive: true });
    await mkdir(join(scratch, 'cache', 'archives', 'partial'), { recursive: true });
    // Package lists of our own: root's may be absent, and an ordinary user could not refresh them.
    const apt = [
      '-qq',
      '-o',
      `Dir::State=${scratch}/state`,
      '-o',
      `Dir::Cache=${scratch}/cache`,
      '-o',
      'Dir::State::status=/var/lib/dpkg/status',
      '-o',
      'APT::Sandbox::User=root',
      '-o',
      'Acquire::Languages=none',
    ];
    await exec('apt-get', [...apt, 'update'], { cwd: scratch });
    await exec('apt-get', [...apt, 'download', `nats-server=${VERSION}`], { cwd: scratch });
    const { stdout } = await exec('dpkg', ['--print-architecture']);
    const architecture = stdout.trim();
    const file = join(scratch, `nats-server_${VERSION}_${architecture}.deb`);
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    if (digest !== SHA256[architecture])
      throw new Error(`nats-server ${VERSION} (${architecture}) has digest ${digest}`);
    await exec('dpkg', ['-x', file, join(scratch, 'tree')]);
    await rename(join(scratch, 'tree'), join(CACHE_DIR, `nats-server-${VERSION}`)).catch((error: unknown) => {
      if (!existsSync(CACHED)) throw error;
    });
    return CACHED;
  } catch (error) {
    throw new NodeError(
      'BROKER_MISSING',
      `nats-server could not be fetched: ${(error as Error).message.split('\n')[0]}`,
      { cause: error, hint: HINT },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function ensured(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return folder;
}
