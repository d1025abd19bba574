import { spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { startNodeProgram, type Program } from '../../scripts/system/program.js';
import { startTemporarySystem, type TemporarySystem } from '../../scripts/system/temporary-system.js';
import { call, until, type Answer } from './api.js';

/** The built system with its three real programs, in a data folder of its own. */
export interface TestSystem extends Pick<
  TemporarySystem,
  'dataDir' | 'brokerPort' | 'brokerBinary' | 'ffmpeg'
> {
  readonly system: TemporarySystem;
  readonly key: string;
  /** What the programs logged. */
  log(): string;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Submits a picture and gives its job id. */
  submit(body: object): Promise<string>;
  /** The job once it has ended. */
  ended(jobId: string): Promise<Record<string, unknown>>;
  /** Waits until the executor is at work on the job. */
  denoising(jobId: string): Promise<void>;
  pidOf(program: 'daemon' | 'api' | 'nats-server'): number;
  /** Process ids of a program's children. */
  childrenOf(pid: number): number[];
  /** Starts a second API process over the same data and gives its address. */
  startAnotherApi(): Promise<string>;
  stop(): Promise<void>;
}

const ENDED = ['completed', 'failed', 'blocked', 'cancelled'];

/** Starts broker, API and daemon with the starter image pack and a short ack wait. `env` is laid over the rest. */
export async function startTestSystem(
  options: { readonly env?: NodeJS.ProcessEnv } = {},
): Promise<TestSystem> {
  const system = await startTemporarySystem({
    env: {
      ZSKY_DAEMON_PACKS: 'models/packs/starter-image',
      ZSKY_DAEMON_ACK_WAIT_MS: '3000',
      ...options.env,
    },
  });
  const { apiKey: key, dataDir, brokerPort, brokerBinary, ffmpeg, logFile } = system;
  const others: Program[] = [];
  const request = (method: string, path: string, body?: unknown) =>
    call(system.url, method, path, { key, ...(body === undefined ? {} : { body }) });
  const job = async (jobId: string) => (await request('GET', `/v1/jobs/${jobId}`)).json;
  return {
    system,
    key,
    dataDir,
    brokerPort,
    brokerBinary,
    ffmpeg,
    log: () => readFileSync(logFile, 'utf8'),
    request,
    submit: async (body) => (await request('POST', '/v1/images/generate', body)).json.job_id,
    ended: (jobId) =>
      until(async () => {
        const state = await job(jobId);
        return ENDED.includes(state?.status) ? state : undefined;
      }),
    denoising: (jobId) =>
      until(async () => (await job(jobId))?.progress?.stage === 'denoise').then(() => undefined),
    pidOf: (name) => system.programs.find((program) => program.name === name)?.pid ?? -1,
    // ps ends with 1 when there are none.
    childrenOf: (pid) =>
      spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
        .stdout.split(/\s+/)
        .filter((word) => word !== '')
        .map(Number),
    startAnotherApi: async () => {
      let heard: (url: string) => void;
      const listening = new Promise<string>((resolve) => (heard = resolve));
      const { program } = startNodeProgram('api', {
        env: {
          ...process.env,
          ...options.env,
          ZSKY_BROKER_URL: system.brokerUrl,
          ZSKY_DATA_DIR: dataDir,
          ZSKY_API_PORT: '0',
        },
        log: openSync(logFile, 'a'),
        onLine: (line) => {
          const url = /^ZSky API at (\S+)/.exec(line)?.[1];
          if (url !== undefined) heard(url);
        },
      });
      others.push(program);
      return listening;
    },
    stop: async () => {
      for (const program of others) await program.stop(10_000);
      await system.stop();
    },
  };
}
