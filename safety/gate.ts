import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { PromptVerdict } from '../core/messages.js';
import type { MediaFacts, MediaSource, Released } from '../core/released.js';

/**
 * The only road from a prompt to media that can be stored. Each step takes what the step before it made,
 * and the brands cannot be made elsewhere, so leaving a step out or changing the order does not compile:
 *
 *   approvePrompt → ApprovedPrompt → (generate) → approveOutput → ApprovedOutput → (watermark)
 *     → mark → Marked → (encode, read the watermark back) → release → Released → ResultStore.put
 *
 * Words that are to be spoken take a branch of their own: ApprovedPrompt → approveSpeech → ApprovedSpeech → voice.
 *
 * The executor walks it. Its release then crosses to the supervisor as a pass: facts and an HMAC with a key
 * that the two share for the life of the executor. `admit` turns it back into a Released.
 */
declare const step: unique symbol;
type Step<Name extends string, T> = { readonly [step]: Name; readonly value: T };

export type ApprovedPrompt = Step<
  'approved-prompt',
  { readonly prompt: string; readonly negative: string | undefined }
>;
/** A line that may be spoken: it stands in the approved prompt, letter for letter, and passed the check by itself. */
export type ApprovedSpeech = Step<'approved-speech', string>;
export type ApprovedOutput<T> = Step<'approved-output', T>;
export type Marked<T> = Step<'marked', { readonly media: T; readonly watermark: string }>;

/** Why a job may not go on. A result, not an error: the job ends `blocked`. */
export interface Refusal {
  readonly where: 'prompt' | 'output';
  readonly category: string;
  readonly reason: string;
}

/** Thrown to leave the road; the executor reports it as the job's end. */
export class Blocked extends Error {
  constructor(readonly refusal: Refusal) {
    super('blocked by safety');
    this.name = 'Blocked';
  }
}

function seal<S extends { readonly value: unknown }>(value: S['value']): S {
  return { value } as S;
}

type CheckPrompt = (input: { prompt: string; negative?: string }) => Promise<PromptVerdict>;

/** @throws Blocked, CHECK_UNAVAILABLE */
export async function approvePrompt(
  check: CheckPrompt,
  prompt: string,
  negative?: string,
): Promise<ApprovedPrompt> {
  const verdict = await failClosed(() => check({ prompt, ...(negative === undefined ? {} : { negative }) }));
  if (!verdict.allowed)
    throw new Blocked({ where: 'prompt', category: verdict.category, reason: verdict.reason });
  return seal({ prompt, negative });
}

/**
 * Takes a line to the voice. The voice is given nothing but what the prompt check saw, whoever chose the line.
 * @throws Blocked, CHECK_UNAVAILABLE
 */
export async function approveSpeech(
  check: CheckPrompt,
  { value }: ApprovedPrompt,
  line: string,
): Promise<ApprovedSpeech> {
  if (!value.prompt.includes(line))
    throw new NodeError(
      'CHECK_UNAVAILABLE',
      'a line to be spoken does not stand in the prompt that was checked',
    );
  await approvePrompt(check, line);
  return seal(line);
}

/** What every output check answers with, whatever it measures. */
export type OutputAnswer =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly category: string; readonly reason: string };

/** Takes generated media past its check. @throws Blocked, CHECK_UNAVAILABLE */
export async function approveOutput<T>(
  _prompt: ApprovedPrompt,
  media: T,
  check: (media: T) => Promise<OutputAnswer>,
): Promise<ApprovedOutput<T>> {
  const answer = await failClosed(() => check(media));
  if (!answer.allowed)
    throw new Blocked({ where: 'output', category: answer.category, reason: answer.reason });
  return seal(media);
}

/** Any failure of a check, whatever its kind, means that nothing passes. */
async function failClosed<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof NodeError && error.code === 'CHECK_UNAVAILABLE') throw error;
    throw new NodeError('CHECK_UNAVAILABLE', 'a safety check could not run', { cause: error });
  }
}

/** Marks approved media with a payload (lower-case hex). */
export function mark<T, M>(
  approved: ApprovedOutput<T>,
  watermark: string,
  embed: (media: T) => M,
): Marked<M> {
  return seal({ media: embed(approved.value), watermark });
}

/** How the watermark is found in the finished bytes; undefined when it is not there. */
export type ReadBack = (source: MediaSource) => Promise<string | undefined>;

/**
 * Releases encoded media after its watermark was read back from the very bytes to be delivered.
 * @throws WATERMARK_UNREADABLE
 */
export async function release<M>(
  marked: Marked<M>,
  source: MediaSource,
  facts: Omit<MediaFacts, 'bytes' | 'sha256' | 'watermark'>,
  readBack: ReadBack,
): Promise<Released> {
  const found = await readBack(source);
  if (found !== marked.value.watermark) {
    throw new NodeError(
      'WATERMARK_UNREADABLE',
      'the watermark could not be read back from the encoded result',
    );
  }
  const { bytes, sha256 } = await digest(source);
  return toReleased({ ...facts, bytes, sha256, watermark: found }, source);
}

function toReleased(facts: MediaFacts, source: MediaSource): Released {
  return { facts, source } as Released;
}

async function digest(source: MediaSource): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  if (source.type === 'memory')
    return { bytes: source.data.length, sha256: hash.update(source.data).digest('hex') };
  let bytes = 0;
  for await (const chunk of createReadStream(source.path) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}

const passSchema = z.object({
  facts: z.custom<MediaFacts>((value) => typeof value === 'object' && value !== null),
  source: z.custom<MediaSource>((value) => typeof value === 'object' && value !== null),
  seal: z.string(),
});

/** A release on its way from the executor to its supervisor. */
export type Pass = z.infer<typeof passSchema>;

function sealOf(facts: MediaFacts, key: string): string {
  const ordered = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHmac('sha256', key).update(JSON.stringify(ordered)).digest('hex');
}

/** Writes the pass of a release with the key that executor and supervisor share. */
export function issuePass(released: Released, key: string): Pass {
  return { facts: released.facts, source: released.source, seal: sealOf(released.facts, key) };
}

/**
 * Takes a pass back into a release. The bytes themselves are compared with the facts' digest by the store
 * while it writes them.
 * @throws RELEASE_MISMATCH
 */
export function admit(pass: unknown, key: string): Released {
  const parsed = passSchema.safeParse(pass);
  if (!parsed.success)
    throw new NodeError('RELEASE_MISMATCH', 'what the executor handed over is not a release');
  const expected = Buffer.from(sealOf(parsed.data.facts, key));
  const given = Buffer.from(parsed.data.seal);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new NodeError('RELEASE_MISMATCH', 'the seal of a release does not fit its facts');
  }
  return toReleased(parsed.data.facts, parsed.data.source);
}
