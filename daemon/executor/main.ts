import { asNodeError, NodeError } from '../../core/errors.js';
import type { JobKind } from '../../core/kinds.js';
import type { JobMessage, Stage } from '../../core/messages.js';
import type { RunMeter } from '../../models/run-meter.js';
import { Cancelled } from '../../pipelines/cancelled.js';
import { Blocked, issuePass } from '../../safety/gate.js';
import { loadPromptChecker, loadTools, warmUp } from './load-tools.js';
import { produce } from './produce.js';
import type { ExecutorOutcome, ExecutorSetup, FromExecutor, ToExecutor } from './protocol.js';
import { StageClock } from './stage-clock.js';
import type { ExecutorTools } from './tools.js';

/**
 * The process that runs graphs. It may be killed at any instant: it holds nothing that is not also in the
 * broker, and its supervisor starts another. In the role of a checker it only answers prompt questions, so
 * that the API's door is never behind a long graph run.
 */
function send(message: FromExecutor): void {
  // A supervisor that has just ended cannot be written to; `disconnect` below then ends this process quietly.
  process.send?.(message, undefined, undefined, () => undefined);
}

const WEIGHTS: Readonly<Record<JobKind, Partial<Record<Stage, number>>>> = {
  image: {
    text: 1,
    denoise: 75,
    decode: 6,
    upscale: 10,
    'output-check': 2,
    watermark: 2,
    encode: 2,
    'read-back': 2,
  },
  video: { text: 1, denoise: 30, decode: 40, sound: 9, encode: 15, 'read-back': 5 },
  audio: { text: 1, denoise: 80, sound: 10, encode: 9 },
};

function metersOf(tools: ExecutorTools): RunMeter[] {
  return [tools.image, tools.video, tools.audio]
    .flatMap((pipeline) => (pipeline === undefined ? [] : [pipeline.meter]))
    .concat(tools.safetyMeter);
}

function packOf(tools: ExecutorTools, kind: JobKind): string {
  return tools[kind]?.pack.id ?? 'none';
}

async function runJob(
  tools: ExecutorTools,
  setup: ExecutorSetup,
  job: JobMessage,
  scratchDir: string,
  isCancelled: () => boolean,
): Promise<ExecutorOutcome> {
  const { kind } = job.request;
  const clock = new StageClock(
    metersOf(tools),
    WEIGHTS[kind],
    (progress) => send({ type: 'progress', ...progress }),
    isCancelled,
  );
  try {
    const produced = await produce(tools, job, scratchDir, clock);
    const media = produced.map(({ part, released }) => ({ part, pass: issuePass(released, setup.passKey) }));
    return { outcome: 'produced', media, metrics: clock.finish(packOf(tools, kind)) };
  } catch (error) {
    if (error instanceof Cancelled) return { outcome: 'cancelled' };
    if (error instanceof Blocked) return { outcome: 'blocked', refusal: error.refusal };
    const known = asNodeError(error);
    const cause = known.cause instanceof Error ? ` (${known.cause.message.split('\n')[0]})` : '';
    return { outcome: 'error', code: known.code, message: known.message + cause };
  }
}

async function serveJobs(setup: ExecutorSetup): Promise<void> {
  const tools = await loadTools(setup, (what) => send({ type: 'loading', what }));
  await warmUp(tools, (what) => send({ type: 'loading', what }));
  let cancelled = false;
  process.on('message', (message: ToExecutor) => {
    if (message.type === 'cancel') cancelled = true;
    if (message.type !== 'job') return;
    cancelled = false;
    void runJob(tools, setup, message.job, message.scratchDir, () => cancelled).then((result) =>
      send({ type: 'ended', result }),
    );
  });
  const kinds = (['image', 'video', 'audio'] as const).filter((kind) => tools[kind] !== undefined);
  send({
    type: 'ready',
    kinds,
    packs: kinds.map((kind) => packOf(tools, kind)),
    credentials: tools.credentials.state,
  });
}

async function serveChecks(setup: ExecutorSetup): Promise<void> {
  const prompts = await loadPromptChecker(setup);
  process.on('message', (message: ToExecutor) => {
    if (message.type !== 'check') return;
    prompts.check(message.question).then(
      (verdict) => send({ type: 'verdict', id: message.id, verdict }),
      (error: unknown) => send({ type: 'check-failed', id: message.id, message: asNodeError(error).message }),
    );
  });
  send({ type: 'ready', kinds: [], packs: [], credentials: 'off' });
}

process.once('message', (message: ToExecutor) => {
  if (message.type !== 'setup')
    throw new NodeError('INTERNAL', 'the first message to an executor must be its setup');
  const serve = message.setup.role === 'checker' ? serveChecks(message.setup) : serveJobs(message.setup);
  serve.catch((error: unknown) => {
    const { code, message: text, hint } = asNodeError(error, 'EXECUTOR_START_FAILED');
    send({ type: 'start-failed', code, message: text, hint });
  });
});
// Without a supervisor nobody would ever read a result.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches the whole process group; the supervisor decides when its executor ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
