import type { ChildProcess } from 'node:child_process';
import type { Settings } from '../../core/config/settings.js';
import { startBroker } from './broker.js';
import { startNodeProgram, unlessEnded, type Program } from './program.js';

export interface SystemOptions {
  readonly settings: Settings;
  readonly brokerBinary: string;
  /** Settings of the programs, as environment variables. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: 'inherit' | number;
  /** Where a failing program's own words are, or the words themselves. */
  readonly logHint: () => string;
  readonly onProgress: (line: string) => void;
}

/** The whole system, running: broker (unless a foreign one is used), API and daemon. */
export interface RunningSystem {
  readonly url: string;
  readonly brokerUrl: string;
  /** Only on the first start of an installation. */
  readonly apiKey: string | undefined;
  readonly programs: readonly Program[];
  /** Resolves with the first program that ends by itself. */
  readonly broken: Promise<{ name: string; how: number | string }>;
  /** Ends the daemon first, so that its running job is finished and told; then the API, then the broker. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 15_000;

function daemonReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('message', () => resolve()));
}

/** Starts broker, API and daemon, each a process of its own, and waits until a job could be taken. */
export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const { settings } = options;
  const programs: Program[] = [];
  const stopAll = async () => {
    for (const program of programs.toReversed()) {
      await program.stop(program.name === 'daemon' ? settings.daemon.drainMs + STOP_GRACE_MS : STOP_GRACE_MS);
    }
  };
  try {
    let brokerUrl = settings.broker.url;
    if (brokerUrl === undefined) {
      options.onProgress('starting the broker');
      const broker = await startBroker(options.brokerBinary, settings.broker.port, settings.dataDir);
      programs.push(broker.program);
      brokerUrl = broker.url;
    }
    const env = { ...options.env, ZSKY_BROKER_URL: brokerUrl, ZSKY_DATA_DIR: settings.dataDir };

    options.onProgress('starting the API');
    let apiKey: string | undefined;
    let heard: (url: string) => void;
    const listening = new Promise<string>((resolve) => (heard = resolve));
    const api = startNodeProgram('api', {
      env,
      log: options.log,
      onLine: (line) => {
        apiKey ??= /API key.*: (zsky_live_\S+)/.exec(line)?.[1];
        const url = /^ZSky API at (\S+)/.exec(line)?.[1];
        if (url !== undefined) heard(url);
      },
    });
    programs.push(api.program);
    const url = await unlessEnded(api.program, listening, options.logHint);

    options.onProgress('starting the daemon and warming up its models');
    const daemon = startNodeProgram('daemon', { env, log: options.log });
    programs.push(daemon.program);
    await unlessEnded(daemon.program, daemonReady(daemon.child), options.logHint);
    const broken = Promise.race(
      programs.map((program) => program.ended.then((how) => ({ name: program.name, how }))),
    );
    return { url, brokerUrl, apiKey, programs, broken, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}
