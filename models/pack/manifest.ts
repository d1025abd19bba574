import { z } from 'zod';
import { jobKind } from '../../core/kinds.js';

const size = z.tuple([z.number().int().positive(), z.number().int().positive()]);

/** Our small file beside a diffusers folder: what the pack is, what it makes, and what its bytes must be. */
export const packManifest = z.object({
  format: z.literal(1),
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  version: z.string(),
  kind: jobKind,
  licence: z.string(),
  attribution: z.array(z.string()).default([]),
  /** Sizes the model was trained for, [width, height] in pixels. */
  nativeSizes: z.array(size).default([]),
  defaults: z
    .object({
      steps: z.number().int().positive().optional(),
      guidanceScale: z.number().optional(),
      scheduler: z.string().optional(),
      /** Device whose torch generator the noise of a seed comes from; the CPU's where absent. */
      generator: z.enum(['cpu', 'cuda']).optional(),
      framesPerSecond: z.number().positive().optional(),
      /** Tokens that a T5, Gemma or Qwen encoder is given at most; T5 and Gemma are padded to it. */
      maxSequenceLength: z.number().int().positive().optional(),
    })
    .loose()
    .default({}),
  /** Pictures made before the first job, so that it finds everything loaded; of the first native size unless they say. */
  warmup: z
    .array(
      z.strictObject({
        prompt: z.string(),
        negative: z.string().optional(),
        width: z.number().int().positive().optional(),
        height: z.number().int().positive().optional(),
        seed: z.number().int().nonnegative().optional(),
        steps: z.number().int().positive().optional(),
        guidanceScale: z.number().optional(),
        scheduler: z.string().optional(),
      }),
    )
    .default([]),
  files: z.record(
    z.string(),
    z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.number().int() }),
  ),
});
export type PackManifest = z.infer<typeof packManifest>;

/** `model_index.json` of a diffusers folder: its pipeline class and parts. */
export const modelIndex = z.object({ _class_name: z.string() }).loose();
export type ModelIndex = z.infer<typeof modelIndex>;
