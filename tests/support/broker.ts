import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareBroker } from '../../scripts/setup/broker.js';

/** A real nats-server with JetStream on a free port. */
export interface PrivateBroker {
  readonly url: string;
  /** Where its streams on disk are. */
  readonly folder: string;
  /** Ends it without a chance to tidy up; its data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) {
    await new Promise((resolve) => process.once('exit', resolve));
  }
}

/** The port is chosen by the server and written to a file of its own: no race for a free one. */
async function portOf(folder: string, process: ChildProcess, log: () => string): Promise<number> {
  for (;;) {
    if (process.exitCode !== null) throw new Error(`nats-server did not start: ${log()}`);
    const file = (await readdir(folder)).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
    if (text !== '') {
      const [url] = (JSON.parse(text) as { nats: string[] }).nats;
      return Number(new URL(url).port);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a private broker. */
export async function startBroker(): Promise<PrivateBroker> {
  const binary = await prepareBroker(() => undefined);
  const folder = await mkdtemp(join(tmpdir(), 'zsky-nats-'));
  let log = '';
  const launch = (port: number): ChildProcess => {
    const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder, '--ports_file_dir', folder];
    const process = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    process.stderr?.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-4000)));
    return process;
  };
  let process = launch(-1);
  const port = await portOf(folder, process, () => log);
  return {
    url: `nats://127.0.0.1:${port}`,
    folder,
    async kill() {
      process.kill('SIGKILL');
      await ended(process);
    },
    async restart() {
      process = launch(port);
    },
    async stop() {
      process.kill('SIGKILL');
      await ended(process);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
