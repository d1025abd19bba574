import { describe, expect, it } from 'vitest';
import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import { generateExactly, resizeExactly, toRgb } from './exact-size.js';
import { nativeSizesOf, nearestNative } from './native-size.js';
import type { DecodedPicture, ImagePipeline } from './pipeline.js';

const BUCKETS = [
  [256, 256],
  [320, 192],
  [192, 320],
] as const;

function paint(width: number, height: number): DecodedPicture {
  const data = new Float32Array(3 * width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      data[i] = x / width;
      data[width * height + i] = y / height;
    }
  }
  return { width, height, data };
}

/** Draws gradients at any size: what is tested is the road to the asked size, not a model. */
function gradients(
  scale: number | undefined,
  restores = false,
): ImagePipeline & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    kind: 'image',
    pack: {} as ModelPack,
    meter: new RunMeter(),
    nativeSizes: BUCKETS,
    sizeMultiple: 8,
    asked,
    generate: async ({ width, height }) => {
      asked.push(`${width}x${height}`);
      return paint(width, height);
    },
    upscaler:
      scale === undefined
        ? undefined
        : {
            scale,
            restores,
            run: async ({ width, height }) => {
              asked.push(`enlarge ${width}x${height}`);
              return paint(width * scale, height * scale);
            },
          },
    release: async () => {},
  };
}
const observer = { progress: async () => {} };
const request = { prompt: 'gradients', seed: 1 };

describe('generateExactly', () => {
  it.each([
    [1024, 1024, ['256x256', 'enlarge 256x256']],
    [256, 256, ['256x256']],
    [1280, 720, ['320x192', 'enlarge 320x192']],
    [720, 1280, ['192x320', 'enlarge 192x320']],
    [2048, 256, ['320x192', 'enlarge 320x192']],
    [300, 290, ['256x256']],
    [2048, 2048, ['256x256', 'enlarge 256x256']],
    [257, 1999, ['192x320', 'enlarge 192x320']],
  ])('makes exactly %d x %d', async (width, height, road) => {
    const pipeline = gradients(4);
    const image = await generateExactly(pipeline, { ...request, width, height }, observer);
    expect([image.width, image.height, image.data.length]).toEqual([width, height, width * height * 3]);
    expect(pipeline.asked).toEqual(road);
  });

  it('sends a picture of any size through an up-scaler that mends', async () => {
    const pipeline = gradients(4, true);
    const image = await generateExactly(pipeline, { ...request, width: 256, height: 256 }, observer);
    expect([image.width, image.height]).toEqual([256, 256]);
    expect(pipeline.asked).toEqual(['256x256', 'enlarge 256x256']);
  });

  it('does without an up-scaler', async () => {
    const image = await generateExactly(
      gradients(undefined),
      { ...request, width: 700, height: 500 },
      observer,
    );
    expect([image.width, image.height]).toEqual([700, 500]);
  });

  it('does not resample what already has the asked size', async () => {
    const image = await generateExactly(gradients(4), { ...request, width: 1024, height: 1024 }, observer);
    expect(Buffer.compare(image.data, toRgb(paint(1024, 1024)).data)).toBe(0);
  });
});

describe('toRgb', () => {
  it('rounds to the nearest byte and clamps what rings over the edge', () => {
    const data = Float32Array.of(0, 1, 0.5, -0.2, 1.3, 0.1, 0.2, 0.3, 0.4, 0.6, 0.72, 0.8);
    expect([...toRgb({ width: 2, height: 2, data }).data]).toEqual([
      0, 255, 102, 255, 26, 153, 128, 51, 184, 0, 77, 204,
    ]);
  });
});

describe('resizeExactly', () => {
  it('keeps the middle when the shape differs', async () => {
    const wide = toRgb(paint(400, 100));
    const square = await resizeExactly(wide, 100, 100);
    // Red runs from left to right: the middle quarter of it is left.
    expect(square.data[0] / 255).toBeCloseTo(150 / 400, 1);
    expect(square.data[99 * 3] / 255).toBeCloseTo(250 / 400, 1);
  });
});

describe('native sizes', () => {
  it('are those of the manifest', () => {
    const pack = { manifest: { nativeSizes: [[256, 256]] } } as unknown as ModelPack;
    expect(nativeSizesOf(pack, { sample_size: 64 }, 8)).toEqual([[256, 256]]);
  });

  it('of a plain export keep the trained area at every shape', () => {
    const sizes = nativeSizesOf({ manifest: undefined } as ModelPack, { sample_size: 128 }, 8);
    expect(sizes[0]).toEqual([1024, 1024]);
    expect(nearestNative(sizes, 1920, 1080)).toEqual([1344, 768]);
    for (const [w, h] of sizes) {
      expect([w % 64, h % 64]).toEqual([0, 0]);
      expect((w * h) / 1024 ** 2).toBeGreaterThan(0.9);
      expect((w * h) / 1024 ** 2).toBeLessThan(1.1);
    }
  });
});
