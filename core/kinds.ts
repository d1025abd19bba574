import { z } from 'zod';

/** What a job makes. */
const JOB_KINDS = ['image', 'video', 'audio'] as const;
export const jobKind = z.enum(JOB_KINDS);
export type JobKind = z.infer<typeof jobKind>;

/** Job identifiers are 32 lower-case hexadecimal characters (128 random bits). */
export const jobId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal characters');
