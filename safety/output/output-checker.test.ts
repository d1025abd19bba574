import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import { CACHE_DIR } from '../../core/paths.js';
import { RunMeter } from '../../models/run-meter.js';
import { createOutputChecker } from './output-checker.js';

const MODELS = join(CACHE_DIR, 'safety');
const meter = new RunMeter();

function drawing(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p += 3) {
      const roof = Math.abs(x - width / 2) < (y - height * 0.3) * 0.8 && y < height * 0.55;
      const wall = Math.abs(x - width / 2) < width * 0.18 && y >= height * 0.55 && y < height * 0.8;
      data.set(
        roof ? [180, 40, 30] : wall ? [240, 220, 190] : y > height * 0.75 ? [80, 160, 70] : [120, 180, 240],
        p,
      );
    }
  }
  return { width, height, data };
}

describe('the output check', () => {
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

  test('fails closed when its model is missing or damaged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zsky-models-'));
    await expect(createOutputChecker({ modelsDir: folder, meter })).rejects.toMatchObject({
      code: 'CHECK_UNAVAILABLE',
    });
    cpSync(join(MODELS, 'pictures.onnx'), join(folder, 'pictures.onnx'));
    writeFileSync(
      join(folder, 'pictures.onnx'),
      readFileSync(join(folder, 'pictures.onnx')).subarray(0, 100_000),
    );
    await expect(createOutputChecker({ modelsDir: folder, meter })).rejects.toMatchObject({
      code: 'CHECK_UNAVAILABLE',
    });
    rmSync(folder, { recursive: true });
  });

  test('fails closed when the picture is not what it says', async () => {
    const checker = await createOutputChecker({ modelsDir: MODELS, meter });
    const short = { width: 64, height: 64, data: new Uint8Array(10) };
    await expect(checker.checkPicture(short)).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
  });
});
