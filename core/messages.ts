import { z } from 'zod';
import { jobId, jobKind } from './kinds.js';

/**
 * Every message that crosses the broker. All are JSON but for the bytes of an inline result
 * (core/broker/inline-result.ts). A reader ignores fields it does not know, so that the two sides can be
 * upgraded one after the other.
 */

const seed = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const prompt = z.string().min(1).max(2000);

const imageRequest = z.object({
  kind: z.literal('image'),
  prompt,
  negative: z.string().max(2000).optional(),
  width: z.number().int().min(256).max(2048),
  height: z.number().int().min(256).max(2048),
  seed,
});
const videoRequest = z.object({
  kind: z.literal('video'),
  prompt,
  width: z.number().int().min(256).max(2560),
  height: z.number().int().min(256).max(2560),
  /** Frames of the finished film. */
  length: z.number().int().min(25).max(241),
  seed,
});
const audioRequest = z.object({
  kind: z.literal('audio'),
  prompt,
  durationMs: z.number().int().min(500).max(60_000),
  format: z.enum(['wav', 'flac', 'm4a']),
  seed,
});

/** What to make, with every default already filled in, so that each attempt makes the same bytes. */
const generateRequest = z.discriminatedUnion('kind', [imageRequest, videoRequest, audioRequest]);
export type ImageRequest = z.infer<typeof imageRequest>;
export type VideoRequest = z.infer<typeof videoRequest>;
export type AudioRequest = z.infer<typeof audioRequest>;
export type GenerateRequest = z.infer<typeof generateRequest>;

/** API → daemon, through a work queue: one job. */
export const jobMessage = z.object({
  version: z.literal(1),
  jobId,
  submittedAt: z.iso.datetime(),
  /** After this instant the job fails with JOB_EXPIRED instead of starting. */
  expiresAt: z.iso.datetime(),
  request: generateRequest,
  /** `inline`: zero retention; the bytes go to `replyTo` and nowhere else. */
  delivery: z.discriminatedUnion('mode', [
    z.object({ mode: z.literal('store') }),
    z.object({ mode: z.literal('inline'), replyTo: z.string() }),
  ]),
});
export type JobMessage = z.infer<typeof jobMessage>;

/** Stages of a job in the order they happen; a stage that a kind does not have is skipped. */
const STAGES = [
  'prompt-check',
  'text',
  'denoise',
  'decode',
  'upscale',
  'sound',
  'output-check',
  'watermark',
  'encode',
  'read-back',
  'store',
] as const;
export type Stage = (typeof STAGES)[number];

/** Daemon → API, fire and forget: where a running job is. */
export const progressMessage = z.object({
  jobId,
  attempt: z.number().int(),
  stage: z.enum(STAGES),
  step: z.number().int().min(0),
  steps: z.number().int().min(1),
  /** Fraction of the whole job done, 0..1, never falling within one attempt. */
  fraction: z.number().min(0).max(1),
});
export type ProgressMessage = z.infer<typeof progressMessage>;

const mediaFacts = z.object({
  contentType: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  width: z.number().int().optional(),
  height: z.number().int().optional(),
  frames: z.number().int().optional(),
  framesPerSecond: z.number().optional(),
  durationMs: z.number().optional(),
  sampleRateHz: z.number().int().optional(),
  watermark: z.string(),
});

/** How long one stage took and how much of it was spent inside graph runs. */
const stageTiming = z.object({ stage: z.string(), ms: z.number(), graphMs: z.number() });
export type StageTiming = z.infer<typeof stageTiming>;

const jobMetrics = z.object({
  stages: z.array(stageTiming),
  totalMs: z.number(),
  graphMs: z.number(),
  peakRssBytes: z.number().int(),
  pack: z.string(),
});
export type JobMetrics = z.infer<typeof jobMetrics>;

/** A file in the result store. */
const storedMedia = mediaFacts.extend({ key: z.string() });
export type StoredMedia = z.infer<typeof storedMedia>;

const ended = { jobId, attempt: z.number().int(), at: z.iso.datetime(), nodeId: z.string() };

/** Daemon → API, durable, exactly one per job: how it ended. */
export const terminalEvent = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('completed'),
    ...ended,
    seed,
    /** Absent for inline delivery: nothing was kept. */
    result: storedMedia.optional(),
    poster: storedMedia.optional(),
    metrics: jobMetrics,
  }),
  z.object({
    outcome: z.literal('blocked'),
    ...ended,
    where: z.enum(['prompt', 'output']),
    category: z.string(),
    /** In words a customer understands; never contains the prompt. */
    reason: z.string(),
  }),
  z.object({ outcome: z.literal('failed'), ...ended, code: z.string(), message: z.string() }),
  z.object({ outcome: z.literal('cancelled'), ...ended, started: z.boolean() }),
]);
export type TerminalEvent = z.infer<typeof terminalEvent>;

/** Daemon → everybody, every two seconds: a node is alive and can make these kinds. */
export const nodeHeartbeat = z.object({
  nodeId: z.string(),
  state: z.enum(['starting', 'ready', 'busy', 'draining', 'defunct']),
  kinds: z.array(jobKind),
  packs: z.array(z.string()),
  /** Jobs this node is making now. */
  running: z.array(jobId),
  device: z.string(),
  /** Whether results carry a signed manifest, in words: `signed by NAME`, `off`, or what is missing. */
  credentials: z.string(),
});
export type NodeHeartbeat = z.infer<typeof nodeHeartbeat>;

/** API → any node, request and reply: may this prompt be made? */
export const promptCheckRequest = z.object({ prompt: z.string(), negative: z.string().optional() });
export type PromptCheckRequest = z.infer<typeof promptCheckRequest>;

export const promptVerdict = z.discriminatedUnion('allowed', [
  z.object({ allowed: z.literal(true) }),
  z.object({
    allowed: z.literal(false),
    category: z.string(),
    /** Which layer refused: list, toxicity, embedding, … */
    layer: z.string(),
    score: z.number().min(0).max(1),
    /** In words a customer understands; never contains the prompt. */
    reason: z.string(),
  }),
]);
export type PromptVerdict = z.infer<typeof promptVerdict>;
