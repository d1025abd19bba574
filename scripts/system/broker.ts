import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from '../../core/errors.js';
import { portIsFree } from './free-port.js';
import { startForeignProgram, unlessEnded, type Program } from './program.js';

export interface BrokerProcess {
  readonly url: string;
  readonly program: Program;
}

/** Settings of a private broker. `sync_interval: always` makes every acknowledged write survive a power cut. */
function configuration(port: number, storeDir: string, syncAlways: boolean): string {
  const sync = syncAlways ? '\n  sync_interval: always' : '';
  return `listen: "127.0.0.1:${port}"\njetstream {\n  store_dir: "${storeDir}"${sync}\n}\nmax_payload: 4MB\n`;
}

/** Servers before 2.10 refuse the setting; they are asked with their own configuration check. */
function knowsSyncAlways(binary: string, file: string): boolean {
  try {
    execFileSync(binary, ['-t', '-c', file], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(25);
  }
}

/** Starts a private nats-server with JetStream and waits until it listens. @throws PORT_TAKEN, SETUP_FAILED */
export async function startBroker(binary: string, port: number, dataDir: string): Promise<BrokerProcess> {
  if (!(await portIsFree(port))) {
    throw new NodeError(
      'PORT_TAKEN',
      `port ${port}, meant for the private NATS server, is in use by another program`,
      {
        hint: 'Stop that program, set ZSKY_BROKER_PORT to a free port, or set ZSKY_BROKER_URL to use a running server.',
      },
    );
  }
  const folder = join(dataDir, 'broker');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'nats.conf');
  writeFileSync(file, configuration(port, folder, true));
  if (!knowsSyncAlways(binary, file)) writeFileSync(file, configuration(port, folder, false));
  const logFile = join(folder, 'nats.log');
  const program = startForeignProgram('nats-server', binary, ['-c', file], openSync(logFile, 'a'));
  await unlessEnded(program, listening(port), () => `; see ${logFile}`);
  return { url: `nats://127.0.0.1:${port}`, program };
}
