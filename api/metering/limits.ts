import { z } from 'zod';

/** The kinds that the API sells. */
export const API_KINDS = ['image', 'video'] as const;
export type ApiKind = (typeof API_KINDS)[number];

const count = z.number().int().min(0);

/** What an account may use, with the public document's numbers as defaults. */
export const limitsSchema = z.strictObject({
  videosPerMonth: count.default(300).describe('Films included in each calendar month (UTC).'),
  imagesPerMonth: count.default(1000).describe('Pictures included in each calendar month (UTC).'),
  videosPerDay: count.default(50).describe('Films per UTC day.'),
  imagesPerDay: count.default(200).describe('Pictures per UTC day.'),
  concurrentJobs: count.default(3).describe('Jobs of one account that may be waiting or running at once.'),
  requestsPerMinute: count
    .max(200)
    .default(20)
    .describe('Requests of one account in any 60 seconds; reading jobs is not counted.'),
  overageCentsPerVideo: count.default(50).describe('Price of a film beyond the monthly allowance, in cents.'),
  overageCentsPerImage: count
    .default(5)
    .describe('Price of a picture beyond the monthly allowance, in cents.'),
});
export type Limits = z.infer<typeof limitsSchema>;

/** The numbers that apply to one kind. */
export function limitsFor(
  limits: Limits,
  kind: ApiKind,
): { perMonth: number; perDay: number; cents: number } {
  return kind === 'video'
    ? { perMonth: limits.videosPerMonth, perDay: limits.videosPerDay, cents: limits.overageCentsPerVideo }
    : { perMonth: limits.imagesPerMonth, perDay: limits.imagesPerDay, cents: limits.overageCentsPerImage };
}
