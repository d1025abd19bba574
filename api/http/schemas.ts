import { z } from 'zod';
import { API_ERRORS, type ApiErrorCode } from './api-errors.js';

/** What the API takes and gives; the served OpenAPI document is made from these. */

const MAX_SEED = Number.MAX_SAFE_INTEGER;

const prompt = z
  .string()
  .max(2000, 'must have at most 2000 characters')
  .refine((text) => text.trim() !== '', 'must not be empty')
  .describe('What to make, in words.')
  .meta({ examples: ['A neon-lit alley in Tokyo at dusk, photorealistic'] });

const seed = z
  .number()
  .int('must be a whole number')
  .min(0)
  .max(MAX_SEED)
  .optional()
  .describe('The same request with the same seed gives the same result. Chosen for you when absent.');

const webhookUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2000)
  .optional()
  .describe('Told when the job ends, signed by the Standard Webhooks scheme. Private addresses are refused.');

function pixels(max: number, fallback: number, name: string) {
  return z
    .number()
    .int('must be a whole number')
    .min(256, 'must be at least 256')
    .max(max, `must be at most ${max}`)
    .default(fallback)
    .describe(`${name} in pixels.`);
}

export const generateImageBody = z.strictObject({
  prompt,
  width: pixels(2048, 1024, 'Width'),
  height: pixels(2048, 1024, 'Height'),
  seed,
  negative: z.string().max(2000, 'must have at most 2000 characters').optional().describe('What to avoid.'),
  webhook_url: webhookUrl,
});
export type GenerateImageBody = z.infer<typeof generateImageBody>;

export const generateVideoBody = z.strictObject({
  prompt,
  width: pixels(2560, 1280, 'Width'),
  height: pixels(2560, 720, 'Height'),
  length: z
    .number()
    .int('must be a whole number')
    .min(25, 'must be at least 25')
    .max(241, 'must be at most 241')
    .default(121)
    .describe('Frames; about 5 seconds at the default.'),
  seed,
  webhook_url: webhookUrl,
});
export type GenerateVideoBody = z.infer<typeof generateVideoBody>;

export const generateHeaders = z.object({
  'x-zsky-store': z
    .enum(['0', '1'], 'must be 0 or 1')
    .optional()
    .describe('0: zero data retention. The call waits and answers with the bytes; nothing is kept.'),
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .describe('Repeating a call with the same key within 24 hours makes no second job.'),
});

const apiKind = z.enum(['image', 'video']);

export const queuedJob = z.strictObject({
  job_id: z.string(),
  status: z.literal('queued'),
  kind: apiKind,
  poll_url: z.string(),
});

const progress = z.strictObject({
  stage: z.string(),
  step: z.number().int(),
  steps: z.number().int(),
  fraction: z.number().min(0).max(1).describe('Share of the whole job that is done.'),
});

export const jobBody = z.strictObject({
  job_id: z.string(),
  status: z.enum(['queued', 'running', 'completed', 'blocked', 'failed', 'cancelled']),
  kind: apiKind,
  created_at: z.iso.datetime(),
  ended_at: z.iso.datetime().optional(),
  queue_position: z.number().int().optional().describe('While queued: jobs ahead, plus one.'),
  progress: progress.optional().describe('While running.'),
  result_url: z.string().optional().describe('Signed download URL, good for expires_in seconds.'),
  expires_in: z.number().int().optional(),
  poster_url: z.string().optional().describe('A still of a film, signed like result_url.'),
  content_type: z.string().optional(),
  bytes: z.number().int().optional(),
  width: z.number().int().optional(),
  height: z.number().int().optional(),
  seed: z.number().int().optional(),
  error: z.string().optional().describe('Why the job was blocked or failed, for people.'),
  error_code: z.string().optional(),
});
export type JobBody = z.infer<typeof jobBody>;

export const jobListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  before: z.coerce.number().int().min(1).max(MAX_SEED).optional().describe('`next` of the page before.'),
});
export const jobList = z.strictObject({
  jobs: z.array(jobBody.extend({ prompt: z.string().optional() })),
  next: z.number().int().optional().describe('Give it as `before` to get the next page.'),
});

export const usageBody = z.strictObject({
  videos_used: z.number().int(),
  videos_overage: z.number().int(),
  images_used: z.number().int(),
  images_overage: z.number().int(),
  overage_charged_cents: z.number().int(),
  base_videos_allowance: z.number().int(),
  base_images_allowance: z.number().int(),
  month_start: z.iso.date(),
});
export type UsageBody = z.infer<typeof usageBody>;

const limit = z.strictObject({ used: z.number().int(), limit: z.number().int() });
export const accountBody = z.strictObject({
  name: z.string(),
  key: z.string().describe('The recognisable part of the key.'),
  usage: usageBody,
  today: z.strictObject({ videos: limit, images: limit, lifted: z.boolean() }),
  active_jobs: limit,
  requests_per_minute: z.number().int(),
  overage: z.strictObject({
    monthly_cap_cents: z.number().int().nullable(),
    carried_cents: z.number().int(),
    remaining_cents: z.number().int(),
    cents_per_video: z.number().int(),
    cents_per_image: z.number().int(),
  }),
  webhook_secret: z.string(),
});
export type AccountBody = z.infer<typeof accountBody>;

export const overageBody = z.strictObject({
  monthly_cap_cents: z
    .number()
    .int()
    .min(0)
    .max(100_000_00)
    .nullable()
    .describe('Most to spend beyond the allowance each month, in cents; null turns overage off.'),
});

export const rotatedKey = z.strictObject({
  api_key: z.string().describe('The new key, shown only this once.'),
});

export const problemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(Object.keys(API_ERRORS) as [ApiErrorCode, ...ApiErrorCode[]]),
  error: z.string().describe('What went wrong, in plain words.'),
  request_id: z.string(),
  job_id: z.string().optional(),
  job_status: z.literal('queued').optional(),
  kind: apiKind.optional(),
  poll_url: z.string().optional(),
});
