import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../core/paths.js';
import { RunMeter } from './run-meter.js';
import { CastFeed, GraphSession } from './session.js';
import { floats, ints } from './tensor/tensor.js';

const CPU = { device: 'cpu', threads: 1 } as const;
const graph = (path: string) => join(PROJECT_ROOT, 'tests/fixtures/graphs', path);

/** Made by scripts/goldens/edge_graphs.py: `sum = sample * scale + sum(ids)`, at several element types. */
describe('GraphSession', () => {
  it.each([
    ['float32.onnx', 'float32', 'int64'],
    ['float16.onnx', 'float16', 'int32'],
  ])('casts to the types of %s and gives float32 back', async (file, floatType, idType) => {
    const session = await GraphSession.load(graph(file), CPU, new RunMeter());
    expect([...session.inputs.values()]).toEqual([
      { name: 'sample', type: floatType, dims: ['batch', 3] },
      { name: 'scale', type: floatType, dims: [] },
      { name: 'ids', type: idType, dims: [2] },
    ]);
    const { sum } = await session.run({
      sample: floats(Float32Array.of(1, 2, 3), 1, 3),
      scale: floats(Float32Array.of(0.5)),
      ids: ints([7, -2], 2),
      unknown: ints([1], 1),
    });
    expect(sum.data).toBeInstanceOf(Float32Array);
    expect([...sum.data]).toEqual([5.5, 6, 6.5]);
    expect([...sum.dims]).toEqual([1, 3]);
    await session.release();
  });

  it('casts a constant feed once', async () => {
    const session = await GraphSession.load(graph('float16.onnx'), CPU, new RunMeter());
    const scale = session.castFeed('scale', floats(Float32Array.of(2)));
    expect(scale).toBeInstanceOf(CastFeed);
    expect(session.castFeed('unknown', ints([1], 1))).toBeUndefined();
    for (const first of [1, 10]) {
      const { sum } = await session.run({
        sample: floats(Float32Array.of(first, 0, 0), 1, 3),
        scale,
        ids: ints([0, 0], 2),
      });
      expect(sum.data[0]).toBe(2 * first);
    }
    await session.release();
  });

  it('meters the time inside runs', async () => {
    const meter = new RunMeter();
    const session = await GraphSession.load(graph('float32.onnx'), CPU, meter);
    const feeds = {
      sample: floats(new Float32Array(3), 1, 3),
      scale: floats(Float32Array.of(1)),
      ids: ints([0, 0], 2),
    };
    await session.run(feeds);
    await session.run(feeds);
    expect(meter.runs).toBe(2);
    expect(meter.ms).toBeGreaterThan(0);
    await session.release();
  });

  it('gives the event loop its turn during many runs', async () => {
    const session = await GraphSession.load(graph('float32.onnx'), CPU, new RunMeter());
    const feeds = {
      sample: floats(new Float32Array(3), 1, 3),
      scale: floats(Float32Array.of(1)),
      ids: ints([0, 0], 2),
    };
    let turned = false;
    setTimeout(() => (turned = true), 0);
    for (let i = 0; i < 1_000_000 && !turned; i++) await session.run(feeds);
    expect(turned).toBe(true);
    await session.release();
  });

  it('names an input that it is not given, and one that its pipeline does not know', async () => {
    const session = await GraphSession.load(graph('float32.onnx'), CPU, new RunMeter());
    await expect(session.run({ sample: floats(new Float32Array(3), 1, 3) })).rejects.toMatchObject({
      code: 'GRAPH_INPUT_UNEXPECTED',
      message: expect.stringContaining('"scale"'),
    });
    expect(() => session.expect(['sample', 'scale'], [])).toThrow(/unexpected input "ids"/);
    expect(() => session.expect(['sample', 'scale', 'ids'], ['picture'])).toThrow(/no output "picture"/);
    await session.release();
  });

  it('reports a failed run without losing the session', async () => {
    const session = await GraphSession.load(graph('float32.onnx'), CPU, new RunMeter());
    const feeds = (length: number) => ({
      sample: floats(new Float32Array(length), 1, length),
      scale: floats(Float32Array.of(1)),
      ids: ints([0, 0], 2),
    });
    await expect(session.run(feeds(4))).rejects.toMatchObject({ code: 'GRAPH_RUN_FAILED' });
    expect((await session.run(feeds(3))).sum.data.length).toBe(3);
    await session.release();
  });

  it('refuses what is no graph', async () => {
    await expect(GraphSession.load(graph('missing.onnx'), CPU, new RunMeter())).rejects.toMatchObject({
      code: 'GRAPH_LOAD_FAILED',
    });
    await expect(
      GraphSession.load(join(PROJECT_ROOT, 'package.json'), CPU, new RunMeter()),
    ).rejects.toMatchObject({ code: 'GRAPH_LOAD_FAILED' });
  });

  it('does not fall back to the CPU when CUDA is asked for and not installed', async () => {
    // On a host that has the provider this test has nothing to hold.
    const { existsSync } = await import('node:fs');
    const home = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    if (existsSync(join(home, '../bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so'))) return;
    await expect(
      GraphSession.load(graph('float32.onnx'), { device: 'cuda' }, new RunMeter()),
    ).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE', hint: expect.stringContaining('npm rebuild') });
  });
});

describe('external data', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zsky-graph-'));
    await cp(graph('external.onnx'), join(folder, 'external.onnx'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is found beside the graph, and missed by name', async () => {
    const session = await GraphSession.load(graph('external.onnx'), CPU, new RunMeter());
    const { sum } = await session.run({ sample: floats(Float32Array.of(1, 1, 1), 1, 3) });
    expect([...sum.data]).toEqual([2, 3, 4]);
    await session.release();
    await expect(GraphSession.load(join(folder, 'external.onnx'), CPU, new RunMeter())).rejects.toMatchObject(
      {
        code: 'GRAPH_LOAD_FAILED',
        message: expect.stringContaining('external.onnx_data'),
      },
    );
  });
});
