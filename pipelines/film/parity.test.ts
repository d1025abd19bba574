import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import { openPack } from '../../models/pack/pack.js';
import { Cancelled } from '../cancelled.js';
import type { NoiseSource } from '../noise/noise-source.js';
import type { PipelineObserver } from '../pipeline.js';
import { LTXPipeline } from '../ltx/ltx-pipeline.js';
import { DEFAULT_LIMITS } from '../ltx/tiled-decoder.js';
import { StableAudioPipeline } from '../stable-audio/stable-audio-pipeline.js';

/** The tiny packs and what diffusers made of them: scripts/goldens/film_parity.py. */
const fixture = (name: string): string => join(PROJECT_ROOT, 'tests/fixtures', name);
const bytes = async (pack: string, name: string): Promise<ArrayBuffer> => {
  const file = await readFile(join(fixture(pack), name));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};
const json = async (pack: string): Promise<Record<string, number & string>> =>
  JSON.parse(await readFile(join(fixture(pack), 'golden.json'), 'utf8')) as Record<string, number & string>;

const CPU = { device: 'cpu', threads: 1 } as const;
const QUIET: PipelineObserver = { progress: async () => undefined };

/** Noise that was written down, in the order it was drawn. */
function recorded(...parts: readonly Float32Array[]): NoiseSource {
  const all = parts.flatMap((part) => [...part]);
  return { randn: (length) => Float32Array.from(all.splice(0, length)) };
}

/** Tokens `[S, 8]` as channels `[8, S]`: diffusers takes the film's noise in tokens. */
function unpacked(tokens: Float32Array): Float32Array {
  const count = tokens.length / 8;
  return Float32Array.from(tokens, (_, index) => tokens[(index % count) * 8 + Math.floor(index / count)]);
}

const TOLERANCE = 1e-3;

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let index = 0; index < a.length; index++) worst = Math.max(worst, Math.abs(a[index] - b[index]));
  return worst;
}

describe('LTXPipeline beside diffusers', () => {
  let golden: Record<string, number & string>;
  beforeAll(async () => {
    golden = await json('tiny-ltx');
  });

  for (const way of ['plain', 'tiled'] as const) {
    it(`decodes the same frames, ${way}`, async () => {
      const limits =
        way === 'plain'
          ? DEFAULT_LIMITS
          : { ...DEFAULT_LIMITS, tilePixels: golden['tile'], tileStridePixels: golden['tileStride'] };
      const pack = await openPack(fixture('tiny-ltx'), { verifyDigests: false });
      const pipeline = await LTXPipeline.load(pack, CPU, limits);
      const clip = await pipeline.decodeWhole(
        await pipeline.denoise(
          {
            prompt: golden['prompt'],
            negative: '',
            width: golden['width'],
            height: golden['height'],
            length: golden['frames'],
            seed: 0,
            steps: golden['steps'],
            guidanceScale: golden['guidance'],
            noise: recorded(unpacked(new Float32Array(await bytes('tiny-ltx', 'noise.f32')))),
          },
          QUIET,
        ),
      );
      const area = clip.width * clip.height;
      const wanted = Float32Array.from(
        new Uint16Array(await bytes('tiny-ltx', `${way}.u16`)),
        (v) => v / 65535,
      );
      const got = new Float32Array(wanted.length);
      for (let frame = 0; frame < clip.frames; frame++) {
        for (let pixel = 0; pixel < area; pixel++) {
          for (let channel = 0; channel < 3; channel++) {
            const value = clip.data[(channel * clip.frames + frame) * area + pixel] / 2 + 0.5;
            got[(frame * area + pixel) * 3 + channel] = Math.min(1, Math.max(0, value));
          }
        }
      }
      const worst = largestDifference(got, wanted);
      console.log(`LTX ${way}: largest difference ${worst.toExponential(2)} of 1`);
      expect(worst).toBeLessThan(TOLERANCE);
      await pipeline.release();
    });
  }

  it('gives exactly the asked frames and size, the same for the same seed', async () => {
    const pack = await openPack(fixture('tiny-ltx'), { verifyDigests: false });
    const pipeline = await LTXPipeline.load(pack, CPU, {
      ...DEFAULT_LIMITS,
      windowLatents: 3,
    });
    const make = async (seed: number): Promise<Uint8Array[]> => {
      const film = await pipeline.generate(
        { prompt: 'rain', width: 50, height: 34, length: 26, seed, steps: 2 },
        QUIET,
      );
      const frames: Uint8Array[] = [];
      for await (const frame of film.frames) {
        expect([frame.width, frame.height]).toEqual([50, 34]);
        frames.push(frame.data);
      }
      return frames;
    };
    const first = await make(7);
    expect(first).toHaveLength(26);
    expect(await make(7)).toEqual(first);
    expect(await make(8)).not.toEqual(first);
    await pipeline.release();
  });

  it('stops between steps when cancelled', async () => {
    const pack = await openPack(fixture('tiny-ltx'), { verifyDigests: false });
    const pipeline = await LTXPipeline.load(pack, CPU);
    const observer: PipelineObserver = {
      progress: async (stage, step) => {
        if (stage === 'denoise' && step === 2) throw new Cancelled();
      },
    };
    await expect(
      pipeline.generate({ prompt: 'rain', width: 32, height: 32, length: 25, seed: 1, steps: 50 }, observer),
    ).rejects.toBeInstanceOf(Cancelled);
    expect(pipeline.meter.runs).toBe(3);
    await pipeline.release();
  });
});

describe('StableAudioPipeline beside diffusers', () => {
  for (const way of ['plain', 'negative'] as const) {
    it(`makes the same waveform, ${way}`, async () => {
      const golden = await json('tiny-stable-audio');
      const pack = await openPack(fixture('tiny-stable-audio'), { verifyDigests: false });
      const pipeline = await StableAudioPipeline.load(pack, CPU);
      const sound = await pipeline.generate(
        {
          prompt: golden['prompt'],
          negative: way === 'negative' ? golden['negative'] : undefined,
          durationMs: golden['durationMs'],
          seed: 0,
          steps: golden['steps'],
          guidanceScale: golden['guidance'],
          noise: recorded(
            new Float32Array(await bytes('tiny-stable-audio', 'noise.f32')),
            new Float32Array(await bytes('tiny-stable-audio', 'step-noise.f32')),
          ),
        },
        QUIET,
      );
      expect(sound.sampleRateHz).toBe(golden['sampleRateHz']);
      const got = Float32Array.from(sound.channels.flatMap((channel) => [...channel]));
      const wanted = new Float32Array(await bytes('tiny-stable-audio', `${way}.f32`));
      const worst = largestDifference(got, wanted);
      console.log(`Stable Audio ${way}: largest difference ${worst.toExponential(2)}`);
      expect(worst).toBeLessThan(TOLERANCE);
      await pipeline.release();
    });
  }

  it('makes longer sounds of several stretches, exactly as long as asked', async () => {
    const pack = await openPack(fixture('tiny-stable-audio'), { verifyDigests: false });
    const pipeline = await StableAudioPipeline.load(pack, CPU);
    const sound = await pipeline.generate({ prompt: 'rain', durationMs: 7300, seed: 3, steps: 3 }, QUIET);
    expect(sound.channels.map((channel) => channel.length)).toEqual([4672, 4672]);
    expect(sound.channels[0].every(Number.isFinite)).toBe(true);
    await pipeline.release();
  });
});
