import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '../../core/config/load.js';
import { NodeError } from '../../core/errors.js';
import { prepare } from '../setup/prepare.js';
import { freePort } from './free-port.js';
import { startSystem, type RunningSystem } from './system.js';

/** A whole system on free ports, in a folder that goes when it stops. */
export interface TemporarySystem extends RunningSystem {
  readonly apiKey: string;
  readonly dataDir: string;
  readonly brokerPort: number;
  readonly brokerBinary: string;
  readonly ffmpeg: string;
  /** What API and daemon log. */
  readonly logFile: string;
}

export interface TemporaryOptions {
  /** Settings of the programs as environment variables, over those of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly onProgress?: (line: string) => void;
}

const LAST_LINES = 5;

/**
 * Starts broker, API and daemon where they meet no other system of this machine. Leaves nothing behind when it fails.
 * @throws SETUP_FAILED, PORT_TAKEN
 */
export async function startTemporarySystem({
  env = {},
  onProgress = () => undefined,
}: TemporaryOptions = {}): Promise<TemporarySystem> {
  const dataDir = mkdtempSync(join(tmpdir(), 'zsky-system-'));
  let system: RunningSystem | undefined;
  const stop = async (): Promise<void> => {
    await system?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const brokerPort = await freePort();
    const settings = parseSettings({
      dataDir,
      broker: { port: brokerPort },
      api: { port: await freePort() },
    });
    const { broker: brokerBinary, ffmpeg } = await prepare(settings, onProgress);
    const logFile = join(dataDir, 'programs.log');
    system = await startSystem({
      settings,
      brokerBinary,
      env: {
        ...process.env,
        ZSKY_API_PORT: String(settings.api.port),
        ZSKY_DAEMON_FFMPEG: ffmpeg,
        ...env,
      },
      log: openSync(logFile, 'a'),
      logHint: () => `:\n${readFileSync(logFile, 'utf8').trim().split('\n').slice(-LAST_LINES).join('\n')}`,
      onProgress,
    });
    const { apiKey } = system;
    if (apiKey === undefined) throw new NodeError('INTERNAL', 'the API printed no key');
    return { ...system, apiKey, dataDir, brokerPort, brokerBinary, ffmpeg, logFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
