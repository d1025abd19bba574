import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../core/paths.js';
import { RunMeter } from '../models/run-meter.js';
import { GraphSession } from '../models/session.js';
import { Cancelled } from './cancelled.js';
import { PicturePlan } from './picture-plan.js';
import type { ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { openPipeline } from './registry.js';

/**
 * Tiny random pipelines of every class beside what diffusers made of the same requests; both written by
 * scripts/goldens/parity.py, which also runs the whole matrix (docs/parity.md).
 */
const PACKS = join(PROJECT_ROOT, 'tests/fixtures/packs');
const TOLERANCE = 1e-3;
const silent: PipelineObserver = { progress: async () => {} };

interface Golden {
  readonly request: PictureRequest;
  /** `[3, H, W] uint16`, 65535 standing for 1. */
  readonly file: string;
}

async function open(name: string): Promise<ImagePipeline> {
  const pipeline = await openPipeline(resolve(PACKS, name), {
    device: 'cpu',
    threads: 1,
    verifyDigests: true,
  });
  if (pipeline.kind !== 'image') throw new Error(`${name} does not make pictures`);
  return pipeline;
}

async function expectedPicture(name: string, file: string): Promise<Uint16Array> {
  const bytes = await readFile(join(PACKS, name, file));
  return new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

describe.each(readdirSync(PACKS))('%s beside diffusers', (name) => {
  let pipeline: ImagePipeline;
  let goldens: readonly Golden[];
  beforeAll(async () => {
    pipeline = await open(name);
    goldens = JSON.parse(await readFile(join(PACKS, name, 'goldens.json'), 'utf8')) as Golden[];
  });
  afterAll(() => pipeline.release());

  it('draws the same pictures', async () => {
    expect(goldens.length).toBeGreaterThanOrEqual(8);
    for (const { request, file } of goldens) {
      const picture = await pipeline.generate(request, silent);
      expect([picture.width, picture.height]).toEqual([request.width, request.height]);
      const wanted = await expectedPicture(name, file);
      expect(picture.data.length).toBe(wanted.length);
      let worst = 0;
      for (let i = 0; i < wanted.length; i++) {
        worst = Math.max(worst, Math.abs(picture.data[i] - wanted[i] / 65535));
      }
      expect(worst, JSON.stringify(request)).toBeLessThan(TOLERANCE);
    }
  });

  it('draws the same bytes again', async () => {
    const { request } = goldens[goldens.length - 1];
    const first = await pipeline.generate(request, silent);
    const second = await pipeline.generate(request, silent);
    expect(Buffer.compare(Buffer.from(first.data.buffer), Buffer.from(second.data.buffer))).toBe(0);
  });
});

/** Other exports of the sd pack's weights, and how near they come to what diffusers draws in float32. */
describe.each([
  {
    // Half precision keeps 11 bits; after 25 steps the worst value is 9e-4. The autoencoder stays in float32, as its config asks.
    name: 'half-precision graphs',
    folder: 'float16-sd',
    tolerance: 5e-3,
    types: ['int64', 'float32', 'float16'],
  },
  {
    // Optimum up to 1.23: a timestep of one axis, another class name, no manifest.
    name: 'graphs in the layout of early exports',
    folder: 'optimum-old-sd',
    tolerance: TOLERANCE,
    types: ['int32', 'int64', 'float32'],
  },
])('$name', ({ folder, tolerance, types }) => {
  let dir: string;
  let pipeline: ImagePipeline;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), `zsky-${folder}-`));
    await cp(join(PACKS, 'sd'), dir, { recursive: true });
    await cp(join(PROJECT_ROOT, 'tests/fixtures', folder), dir, { recursive: true });
    await rm(join(dir, 'manifest.json'));
    pipeline = await open(dir);
  });
  afterAll(async () => {
    await pipeline.release();
    await rm(dir, { recursive: true });
  });

  it('draw what diffusers draws', async () => {
    const load = (part: string) =>
      GraphSession.load(join(dir, part, 'model.onnx'), { device: 'cpu', threads: 1 }, new RunMeter());
    const [text, unet] = [await load('text_encoder'), await load('unet')];
    expect([
      text.inputs.get('input_ids')?.type,
      unet.inputs.get('timestep')?.type,
      unet.inputs.get('sample')?.type,
    ]).toEqual(types);
    await Promise.all([text.release(), unet.release()]);

    const goldens = JSON.parse(await readFile(join(PACKS, 'sd/goldens.json'), 'utf8')) as Golden[];
    for (const { request, file } of goldens) {
      const { data } = await pipeline.generate(request, silent);
      const wanted = await expectedPicture('sd', file);
      const worst = data.reduce((most, v, i) => Math.max(most, Math.abs(v - wanted[i] / 65535)), 0);
      expect(worst, JSON.stringify(request)).toBeLessThan(tolerance);
    }
  });
});

it('refuses a scheduler whose timesteps an early export cannot tell apart', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'zsky-clock-'));
  await cp(join(PACKS, 'sd'), dir, { recursive: true });
  await cp(join(PROJECT_ROOT, 'tests/fixtures/optimum-old-sd'), dir, { recursive: true });
  await rm(join(dir, 'manifest.json'));
  const request = { prompt: 'a boat', width: 32, height: 32, seed: 1, steps: 20 };
  const [early, later] = [await open(dir), await open('sd')];
  try {
    const edm = { ...request, scheduler: 'EDMEulerScheduler' };
    await expect(early.generate(edm, silent)).rejects.toMatchObject({ code: 'PACK_INVALID' });
    await later.generate(edm, silent);
    // Fractions between far more whole numbers are only rounded.
    await early.generate({ ...request, scheduler: 'EulerDiscreteScheduler' }, silent);
  } finally {
    await Promise.all([early.release(), later.release()]);
    await rm(dir, { recursive: true });
  }
});

describe('an image pipeline', () => {
  const request = { prompt: 'a boat', width: 32, height: 32, seed: 1, steps: 3 };
  let pipeline: ImagePipeline;
  beforeAll(async () => {
    pipeline = await open('sd');
  });
  afterAll(() => pipeline.release());

  it('tells its stages in order', async () => {
    const told: string[] = [];
    await pipeline.generate(request, {
      progress: async (stage, step, steps) => void told.push(`${stage} ${step}/${steps}`),
    });
    expect(told).toEqual(['text 0/1', 'denoise 0/3', 'denoise 1/3', 'denoise 2/3', 'decode 0/1']);
  });

  it('stops where its observer throws', async () => {
    const runs = pipeline.meter.runs;
    const cancelling: PipelineObserver = {
      progress: async (stage, step) => {
        if (stage === 'denoise' && step === 1) throw new Cancelled();
      },
    };
    await expect(pipeline.generate(request, cancelling)).rejects.toBeInstanceOf(Cancelled);
    // Two texts and one step.
    expect(pipeline.meter.runs - runs).toBeLessThanOrEqual(3);
  });

  it.each([
    [{ width: 30 }, 'SIZE_UNSUPPORTED'],
    [{ steps: 0 }, 'REQUEST_INVALID'],
    [{ steps: 2.5 }, 'REQUEST_INVALID'],
    [{ guidanceScale: NaN }, 'REQUEST_INVALID'],
    [{ scheduler: 'NoSuchScheduler' }, 'SCHEDULER_UNKNOWN'],
  ])('refuses %j', async (wrong, code) => {
    await expect(pipeline.generate({ ...request, ...wrong }, silent)).rejects.toMatchObject({ code });
  });

  it('takes another scheduler than its own', async () => {
    const own = await pipeline.generate(request, silent);
    const other = await pipeline.generate({ ...request, scheduler: 'EulerDiscreteScheduler' }, silent);
    expect(Buffer.compare(Buffer.from(own.data.buffer), Buffer.from(other.data.buffer))).not.toBe(0);
  });

  it("draws from the CUDA generator's noise where the request or the pack says so", async () => {
    const bytesOf = (picture: { data: Float32Array }) => Buffer.from(picture.data.buffer);
    const own = bytesOf(await pipeline.generate(request, silent));
    const cpu = bytesOf(await pipeline.generate({ ...request, generator: 'cpu' }, silent));
    const cuda = bytesOf(await pipeline.generate({ ...request, generator: 'cuda' }, silent));
    expect(cpu.equals(own)).toBe(true);
    expect(cuda.equals(own)).toBe(false);

    const dir = await mkdtemp(join(tmpdir(), 'zsky-generator-'));
    try {
      await cp(join(PACKS, 'sd'), dir, { recursive: true });
      const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as { defaults: object };
      manifest.defaults = { ...manifest.defaults, generator: 'cuda' };
      await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
      const other = await open(dir);
      expect(bytesOf(await other.generate(request, silent)).equals(cuda)).toBe(true);
      expect(bytesOf(await other.generate({ ...request, generator: 'cpu' }, silent)).equals(own)).toBe(true);
      await other.release();

      // The first values of seed 0 on a CUDA device, as noise.test.ts has them.
      const plan = await PicturePlan.load(other.pack, { steps: 1, guidanceScale: 1 });
      const drawn = plan.noise({ ...request, seed: 0 }).randn(4 * 4 * 4);
      [-0.92466259, -0.42534415, -2.6438457, 0.14518388].forEach((value, i) =>
        expect(drawn[i]).toBeCloseTo(value, 5),
      );
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('reports numbers that are not finite instead of drawing them', async () => {
    await expect(pipeline.generate({ ...request, guidanceScale: 1e38 }, silent)).rejects.toMatchObject({
      code: 'OUTPUT_NOT_FINITE',
    });
  });
});
