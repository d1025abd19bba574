import type { ImagePipeline } from './pipeline.js';

type Description = Omit<ImagePipeline, 'kind' | 'release'> & {
  /** Everything loaded that has to be given back; what a pack lacks may stand as undefined. */
  readonly parts: readonly ({ release(): Promise<void> } | undefined)[];
};

/** An image pipeline made of its parts, which it releases together. */
export function imagePipeline({ parts, ...pipeline }: Description): ImagePipeline {
  return {
    kind: 'image',
    ...pipeline,
    release: async () => {
      await Promise.all(parts.map(async (part) => part?.release()));
    },
  };
}
