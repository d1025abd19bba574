import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import { CACHE_DIR, PROJECT_ROOT } from '../../core/paths.js';
import { RunMeter } from '../../models/run-meter.js';
import { writeStandIn, type StandIn } from '../../tests/support/stand-in-classifiers.js';
import { createOutputChecker } from './output-checker.js';

const MODELS = join(CACHE_DIR, 'safety');
const meter = new RunMeter();

function painted(width: number, height: number, colour: (x: number, y: number) => number[]): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p += 3) data.set(colour(x / width, y / height), p);
  return { width, height, data };
}

function drawing(width: number, height: number): RgbImage {
  return painted(width, height, (x, y) => {
    if (Math.abs(x - 0.5) < (y - 0.3) * 0.8 && y < 0.55) return [180, 40, 30];
    if (Math.abs(x - 0.5) < 0.18 && y >= 0.55 && y < 0.8) return [240, 220, 190];
    return y > 0.75 ? [80, 160, 70] : [120, 180, 240];
  });
}

describe('the output check with its real classifiers', () => {
  test('lets a drawing of a house pass, at any size', async () => {
    const checker = await createOutputChecker({ modelsDir: MODELS, meter });
    for (const [width, height] of [
      [256, 256],
      [1024, 600],
      [300, 2048],
    ] as const) {
      const verdict = await checker.checkPicture(drawing(width, height));
      expect(verdict.allowed).toBe(true);
      const total = Object.values(verdict.scores).reduce((sum, score) => sum + score, 0);
      expect(total).toBeCloseTo(1, 3);
      expect(verdict.scores.drawing + verdict.scores.neutral).toBeGreaterThan(0.5);
    }
  });

  test('fails closed when a run took longer than it may, although no timer could fire meanwhile', async () => {
    const checker = await createOutputChecker({ modelsDir: MODELS, meter, timeoutMs: 1 });
    await expect(checker.checkPicture(drawing(256, 256))).rejects.toMatchObject({
      code: 'CHECK_UNAVAILABLE',
      message: expect.stringMatching(/took \d+ ms, more than the 1 ms it may/u),
    });
  });

  test('fails closed when the picture is not what it says', async () => {
    const checker = await createOutputChecker({ modelsDir: MODELS, meter });
    const short = { width: 64, height: 64, data: new Uint8Array(10) };
    await expect(checker.checkPicture(short)).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
  });
});

describe('the output check with stand-in classifiers', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zsky-models-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const models = (first: StandIn, strict: StandIn): string => {
    const into = mkdtempSync(join(folder, 'set-'));
    writeStandIn(join(into, 'pictures.onnx'), first, 224);
    writeStandIn(join(into, 'pictures-strict.onnx'), strict, 299);
    return into;
  };
  const checkerOf = (first: StandIn, strict: StandIn) =>
    createOutputChecker({ modelsDir: models(first, strict), meter });
  const evenly = (red: number) => painted(300, 300, () => [Math.round(255 * red), 0, 0]);

  test('refuses by the whole picture, by a part of it, and by the stricter classifier', async () => {
    const checker = await checkerOf('red is porn', 'red is porn');
    expect(await checker.checkPicture(evenly(0.1))).toMatchObject({ allowed: true, layer: 'whole picture' });
    expect(await checker.checkPicture(evenly(0.7))).toMatchObject({
      allowed: false,
      category: 'sexual',
      layer: 'whole picture',
    });
    // All of the window in one corner: half of the whole.
    const corner = painted(300, 300, (x, y) => [x < 0.71 && y > 0.29 ? 255 : 0, 0, 0]);
    expect(await checker.checkPicture(corner)).toMatchObject({
      allowed: false,
      layer: 'part of the picture',
    });
    expect(await checker.checkPicture(evenly(0.55))).toMatchObject({
      allowed: false,
      layer: 'stricter classifier',
    });
    expect(await checker.checkPicture(evenly(0.4))).toMatchObject({
      allowed: true,
      layer: 'stricter classifier',
    });
  });

  test('asks the stricter classifier only when the first is unsure', async () => {
    const checker = await checkerOf('red is porn', 'throws');
    expect((await checker.checkPicture(evenly(0.1))).allowed).toBe(true);
    expect((await checker.checkPicture(evenly(0.9))).allowed).toBe(false);
    await expect(checker.checkPicture(evenly(0.4))).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
  });

  test('never refuses for a suggestive picture by the first classifier alone', async () => {
    const checker = await checkerOf('red is sexy', 'red is porn');
    expect(await checker.checkPicture(evenly(1))).toMatchObject({
      allowed: false,
      layer: 'stricter classifier',
    });
    const lenient = await checkerOf('red is sexy', 'red is sexy');
    expect(await lenient.checkPicture(evenly(0.9))).toMatchObject({
      allowed: true,
      layer: 'stricter classifier',
    });
  });

  test('takes its thresholds and action from the policy', async () => {
    const policyFolder = join(folder, 'policy');
    cpSync(join(PROJECT_ROOT, 'safety', 'policy'), policyFolder, { recursive: true });
    const file = join(policyFolder, 'policy.json');
    const modelsDir = models('red is porn', 'red is porn');
    const verdictWith = async (change: object) => {
      const policy = JSON.parse(readFileSync(file, 'utf8'));
      Object.assign(policy.categories.sexual, change);
      writeFileSync(file, JSON.stringify(policy));
      return (await createOutputChecker({ modelsDir, policyFolder, meter })).checkPicture(evenly(0.7));
    };
    const picture = { whole: 0.8, crop: 0.9, unsure: 0.75, strict: 0.5 };
    expect(await verdictWith({ picture })).toMatchObject({ allowed: true });
    expect(await verdictWith({ picture: { ...picture, whole: 0.65, unsure: 0.6 } })).toMatchObject({
      allowed: false,
    });
    expect(await verdictWith({ action: 'allow' })).toMatchObject({ allowed: true });
  });

  test.each<[StandIn, StandIn]>([
    ['not a number', 'red is porn'],
    ['throws', 'red is porn'],
    ['too few numbers', 'red is porn'],
    ['red is porn', 'not a number'],
    ['red is porn', 'too few numbers'],
  ])('fails closed with classifiers "%s" and "%s"', async (first, strict) => {
    const checker = await checkerOf(first, strict);
    await expect(checker.checkPicture(evenly(0.4))).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
  });

  test.each(['pictures.onnx', 'pictures-strict.onnx'])(
    'is not made when %s is missing or damaged',
    async (name) => {
      const into = models('red is porn', 'red is porn');
      rmSync(join(into, name));
      await expect(createOutputChecker({ modelsDir: into, meter })).rejects.toMatchObject({
        code: 'CHECK_UNAVAILABLE',
        hint: expect.stringContaining('setup'),
      });
      writeFileSync(join(into, name), readFileSync(join(MODELS, name)).subarray(0, 100_000));
      await expect(createOutputChecker({ modelsDir: into, meter })).rejects.toMatchObject({
        code: 'CHECK_UNAVAILABLE',
      });
    },
  );
});
