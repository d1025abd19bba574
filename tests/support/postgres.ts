import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { CACHE_DIR } from '../../core/paths.js';

const run = promisify(execFile);

/** Debian's packages of a server that runs from any folder, for machines without one. */
const PACKAGES = ['postgresql-15', 'postgresql-client-15', 'libpq5', 'libicu72', 'libldap-2.5-0', 'libxml2'];
const INSTALL = 'Install it with: apt-get install postgresql (Debian), or put its bin folder on PATH.';

/** PostgreSQL refuses to run as root; this user exists on every Debian. */
const NOBODY = 65534;
const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

async function binFolders(): Promise<string[]> {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'postgres'));
  const installed = ['/usr/lib/postgresql', join(CACHE_DIR, 'postgresql/usr/lib/postgresql')];
  const versions = await Promise.all(
    installed.map(async (base) =>
      (await readdir(base).catch(() => [])).map((version) => join(base, version, 'bin/postgres')),
    ),
  );
  const found = [...onPath, ...versions.flat()].filter((path) => existsSync(path));
  const folders = await Promise.all(found.map(async (path) => dirname(await realpath(path))));
  return folders.filter((folder) => existsSync(join(folder, 'initdb')));
}

async function download(): Promise<void> {
  const target = join(CACHE_DIR, 'postgresql');
  const scratch = await mkdtemp(join(tmpdir(), 'zsky-pg-'));
  try {
    await run('apt-get', ['download', ...PACKAGES], { cwd: scratch });
    await mkdir(target, { recursive: true });
    for (const file of await readdir(scratch)) await run('dpkg', ['-x', join(scratch, file), target]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function findPostgres(): Promise<string> {
  let [folder] = await binFolders();
  if (folder !== undefined) return folder;
  const reason = await download().then(
    () => undefined,
    (error: unknown) => error,
  );
  [folder] = await binFolders();
  if (folder !== undefined) return folder;
  throw new Error(`The PostgreSQL tests need a PostgreSQL server. ${INSTALL}`, { cause: reason });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function untilReady(url: string, server: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log()}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** A real PostgreSQL server of its own, gone with all its data after `stop`. */
export interface PostgresServer {
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a private PostgreSQL server on a free port. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = await findPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'zsky-postgres-'));
  if (asUser.uid !== undefined) await chown(folder, asUser.uid, asUser.gid);
  const data = join(folder, 'data');
  const libraries = join(bin, '../../../x86_64-linux-gnu');
  const env = { ...process.env, LD_LIBRARY_PATH: libraries, LC_ALL: 'C', HOME: folder };
  const initialise = ['-D', data, '-U', 'zsky', '-A', 'trust', '--no-sync', '-E', 'UTF8'];
  await run(join(bin, 'initdb'), initialise, { ...asUser, env, cwd: folder });
  const port = await freePort();
  const settings = ['fsync=off', 'max_connections=100', `unix_socket_directories=${folder}`];
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-h', '127.0.0.1', ...settings.flatMap((each) => ['-c', each])],
    { ...asUser, env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-4000)));
  const url = (name: string) => `postgres://zsky@127.0.0.1:${port}/${name}`;
  await untilReady(url('postgres'), server, () => log);
  let databases = 0;
  return {
    async createDatabase() {
      const name = `test_${(databases += 1)}`;
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return url(name);
    },
    async stop() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGINT');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
