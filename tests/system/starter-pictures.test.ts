import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CACHE_DIR, PROJECT_ROOT } from '../../core/paths.js';
import { RunMeter } from '../../models/run-meter.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import type { ImagePipeline } from '../../pipelines/pipeline.js';
import { openPipeline } from '../../pipelines/registry.js';
import { createOutputChecker, type OutputChecker } from '../../safety/output/output-checker.js';

const silent = { progress: async () => undefined };

/** An earlier up-scaler made lighthouses so smooth that the classifiers took them for skin. */
describe('what the starter pack makes of harmless prompts', () => {
  let pipeline: ImagePipeline;
  let checker: OutputChecker;
  beforeAll(async () => {
    const opened = await openPipeline(join(PROJECT_ROOT, 'models/packs/starter-image'), {
      device: 'cpu',
      verifyDigests: false,
    });
    if (opened.kind !== 'image') throw new Error('the starter pack makes no pictures');
    pipeline = opened;
    checker = await createOutputChecker({ modelsDir: join(CACHE_DIR, 'safety'), meter: new RunMeter() });
  });
  afterAll(() => pipeline.release());

  test.each([
    ['a lighthouse by a black sea at night', 1024, 1024],
    ['a lighthouse by a black sea at night', 1280, 720],
    ['a white lighthouse on the beach at dusk', 512, 512],
    ['a teddy bear in a snowy field by day', 512, 768],
    ['a pink flower on a windowsill at home', 256, 256],
  ])('passes the output check: %s, %ix%i', async (prompt, width, height) => {
    const picture = await generateExactly(pipeline, { prompt, width, height, seed: 3 }, silent);
    expect(await checker.checkPicture(picture)).toMatchObject({ allowed: true });
  });
});
