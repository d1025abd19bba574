import { createHash, randomUUID } from 'node:crypto';
import { createLogger } from '../../core/logging.js';
import { connectBroker } from '../../core/broker/connection.js';
import { Fence } from '../../core/broker/fence.js';
import { sendInline } from '../../core/broker/inline-result.js';
import { publishEnded } from '../../core/broker/publish.js';
import { pullJobs, type Delivery } from '../../core/broker/pull.js';
import { answerPromptChecks, onCancel, sendHeartbeat, sendProgress } from '../../core/broker/signals.js';
import { ensureStreams } from '../../core/broker/streams.js';
import type { JobKind } from '../../core/kinds.js';
import type { JobMessage, TerminalEvent } from '../../core/messages.js';
import type { MediaFacts, Released } from '../../core/released.js';
import { resultKey } from '../../core/storage/keys.js';
import type { ResultStore } from '../../core/storage/store.js';
import { HEARTBEAT_EVERY_MS } from '../../core/subjects.js';

/** What a test wants done with a job. */
export type Script = (job: JobMessage, tools: NodeTools) => Promise<'complete' | 'block' | 'fail'>;

export interface NodeTools {
  progress(fraction: number): void;
  /** Resolves when the job's owner wants it stopped. */
  readonly cancelled: Promise<void>;
}

/** Speaks the daemon's side of every contract over a real broker, with a result that costs nothing to make. */
export interface StandInNode {
  /** Jobs in the order they were taken. */
  readonly taken: JobMessage[];
  script: Script;
  stop(): Promise<void>;
}

/** What a kind's result is made of when a test does not care. */
interface Media {
  readonly bytes: Buffer;
  readonly type: string;
  readonly width?: number;
  readonly height?: number;
}

const RESULT: Readonly<Record<JobKind, Media>> = {
  image: { bytes: Buffer.from('RIFF....WEBPVP8 a picture'), type: 'image/webp' },
  video: { bytes: Buffer.from('....ftypisom a film'), type: 'video/mp4' },
  audio: { bytes: Buffer.from('RIFF....WAVE a sound'), type: 'audio/wav' },
};

function release({ bytes, type, width = 64, height = 64 }: Media): Released {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const facts: MediaFacts = {
    contentType: type,
    bytes: bytes.length,
    sha256,
    width,
    height,
    watermark: 'ab',
  };
  return { facts, source: { type: 'memory', data: bytes } } as unknown as Released;
}

/** Words that the stand-in's prompt check refuses. */
export const REFUSED = /forbidden/i;

export async function startStandInNode(options: {
  readonly brokerUrl: string;
  readonly store?: ResultStore;
  readonly kinds?: readonly JobKind[];
  readonly script?: Script;
  /** Real media, for tests that look at them. */
  readonly media?: Partial<Record<JobKind, Media>>;
}): Promise<StandInNode> {
  const { brokerUrl, store, kinds = ['image', 'video'] } = options;
  const log = createLogger('stand-in', { level: 'silent', pretty: false });
  const connection = await connectBroker({ url: brokerUrl, name: 'stand-in', log });
  await ensureStreams(connection, 1);
  const fence = await Fence.open(connection);
  const nodeId = `stand-in-${randomUUID().slice(0, 8)}`;
  const waiting = new Map<string, () => void>();
  let stopped = false;
  const beat = (): void =>
    sendHeartbeat(connection, {
      nodeId,
      state: 'ready',
      kinds: [...kinds],
      packs: [],
      running: [],
      device: 'none',
      credentials: 'off',
    });
  beat();
  const heart = setInterval(beat, HEARTBEAT_EVERY_MS);
  onCancel(connection, (jobId) => waiting.get(jobId)?.());
  answerPromptChecks(
    connection,
    async ({ prompt }) =>
      REFUSED.test(prompt)
        ? {
            allowed: false,
            category: 'test',
            layer: 'list',
            score: 1,
            reason: 'Sorry — our safety check stopped this prompt.',
          }
        : { allowed: true },
    () => undefined,
  );

  const node: StandInNode = {
    taken: [],
    script: options.script ?? (async () => 'complete'),
    async stop() {
      stopped = true;
      clearInterval(heart);
      await connection.close();
    },
  };

  async function make(job: JobMessage, attempt: number): Promise<TerminalEvent> {
    const base = { jobId: job.jobId, attempt, at: new Date().toISOString(), nodeId };
    let wanted = true;
    const cancelled = new Promise<void>((resolve) =>
      waiting.set(job.jobId, () => {
        wanted = false;
        resolve();
      }),
    );
    const { kind } = job.request;
    const outcome = await Promise.race([
      node.script(job, {
        cancelled,
        progress: (fraction) =>
          sendProgress(connection, {
            jobId: job.jobId,
            attempt,
            stage: 'denoise',
            step: Math.round(fraction * 10),
            steps: 10,
            fraction,
          }),
      }),
      cancelled.then(() => 'cancel' as const),
    ]);
    if (!wanted || outcome === 'cancel') return { outcome: 'cancelled', ...base, started: true };
    if (outcome === 'fail') return { outcome: 'failed', ...base, code: 'EXECUTOR_DIED', message: 'test' };
    if (outcome === 'block') {
      const reason = `Sorry — our safety check stopped this ${kind}.`;
      return { outcome: 'blocked', ...base, where: 'output', category: 'test', reason };
    }
    const media = options.media?.[kind] ?? RESULT[kind];
    const { facts } = release(media);
    const metrics = { stages: [], totalMs: 1, graphMs: 1, peakRssBytes: 1, pack: 'none' };
    const done = { outcome: 'completed' as const, ...base, seed: job.request.seed, metrics };
    if (job.delivery.mode === 'inline') {
      const { bytes, type } = media;
      await sendInline(connection, job.delivery.replyTo, {
        contentType: type,
        bytes: bytes.length,
        seed: job.request.seed,
        data: bytes,
      });
      return done;
    }
    const key = resultKey(job.jobId, attempt, 'result', facts.contentType);
    await store?.put(key, release(media));
    return { ...done, result: { ...facts, key } };
  }

  async function handle(delivery: Delivery<JobMessage>): Promise<void> {
    const job = delivery.value;
    const alive = setInterval(() => delivery.working(), 1000);
    try {
      const claim = await fence.claim(job.jobId);
      if (claim.ended === undefined) {
        node.taken.push(job);
        const base = { jobId: job.jobId, attempt: claim.attempt, at: new Date().toISOString(), nodeId };
        const event = claim.cancelled
          ? ({ outcome: 'cancelled', ...base, started: false } as const)
          : await make(job, claim.attempt);
        await fence.commit(claim, event).catch(async () => {
          // A cancel changed the fence meanwhile; a stand-in takes the job anew to end it.
          const again = await fence.claim(job.jobId);
          await fence.commit(again, event);
        });
        await publishEnded(connection, event);
      } else {
        await publishEnded(connection, claim.ended);
      }
      await delivery.ack();
    } finally {
      clearInterval(alive);
      waiting.delete(job.jobId);
    }
  }

  for (const kind of kinds) {
    for (const queue of ['stored', 'inline'] as const) {
      const pull = pullJobs(connection, kind, queue, 5000, () => undefined);
      void (async () => {
        while (!stopped) {
          try {
            const delivery = await pull.next(2000);
            if (delivery !== undefined) void handle(delivery).catch(() => undefined);
          } catch {
            // The broker is away; a test did that on purpose.
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
      })();
    }
  }
  return node;
}
