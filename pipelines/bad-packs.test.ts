import { appendFile, cp, mkdtemp, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../core/paths.js';
import { openPipeline } from './registry.js';

const FIXTURES = join(PROJECT_ROOT, 'tests/fixtures/packs');

type Json = Record<string, unknown>;

interface Damage {
  readonly what: string;
  readonly pack?: string;
  readonly code: string;
  /** What the message must name. */
  readonly names: RegExp;
  /** Opened as a plain export, so that digests do not find the damage first. */
  readonly plain?: boolean;
  readonly damage: (dir: string) => Promise<void>;
}

async function edit(file: string, change: (content: Json) => Json): Promise<void> {
  await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, 'utf8')) as Json)));
}

const DAMAGES: readonly Damage[] = [
  {
    what: 'no folder',
    code: 'PACK_MISSING',
    names: /model_index\.json/,
    damage: (dir) => rm(dir, { recursive: true }),
  },
  {
    what: 'a missing graph',
    code: 'PACK_INVALID',
    names: /unet\/model\.onnx is missing/,
    damage: (dir) => unlink(join(dir, 'unet/model.onnx')),
  },
  {
    what: 'a missing graph of a plain export',
    code: 'PACK_INVALID',
    names: /vae_decoder\/model\.onnx is missing/,
    plain: true,
    damage: (dir) => unlink(join(dir, 'vae_decoder/model.onnx')),
  },
  {
    what: 'a flipped bit',
    code: 'PACK_DIGEST_MISMATCH',
    names: /unet\/model\.onnx differs/,
    damage: async (dir) => {
      const file = join(dir, 'unet/model.onnx');
      const bytes = await readFile(file);
      bytes[bytes.length >> 1] ^= 1;
      await writeFile(file, bytes);
    },
  },
  {
    what: 'a file that grew',
    code: 'PACK_DIGEST_MISMATCH',
    names: /tokenizer\/merges\.txt has \d+ bytes, expected \d+/,
    damage: (dir) => appendFile(join(dir, 'tokenizer/merges.txt'), 'x y\n'),
  },
  {
    what: 'a manifest that is not JSON',
    code: 'PACK_INVALID',
    names: /manifest\.json is not JSON/,
    damage: (dir) => truncate(join(dir, 'manifest.json'), 100),
  },
  {
    what: 'a manifest of another format',
    code: 'PACK_INVALID',
    names: /manifest\.json: format/,
    damage: (dir) => edit(join(dir, 'manifest.json'), (content) => ({ ...content, format: 2 })),
  },
  {
    what: 'a manifest that names an unknown generator',
    code: 'PACK_INVALID',
    names: /manifest\.json: defaults\.generator/,
    damage: (dir) =>
      edit(join(dir, 'manifest.json'), (content) => ({ ...content, defaults: { generator: 'gpu' } })),
  },
  {
    what: 'a manifest that reaches outside',
    code: 'PACK_INVALID',
    names: /outside the pack: \.\.\/secret/,
    damage: (dir) =>
      edit(join(dir, 'manifest.json'), (content) => ({
        ...content,
        files: { '../secret': { sha256: '0'.repeat(64), bytes: 1 } },
      })),
  },
  {
    what: 'an index that is not JSON',
    code: 'PACK_INVALID',
    names: /model_index\.json is not JSON/,
    plain: true,
    damage: (dir) => writeFile(join(dir, 'model_index.json'), '{"_class_name": '),
  },
  {
    what: 'an unknown pipeline',
    code: 'PIPELINE_UNKNOWN',
    names: /WuerstchenPipeline.*known are.*StableDiffusionXLPipeline/,
    plain: true,
    damage: (dir) => writeFile(join(dir, 'model_index.json'), '{"_class_name": "WuerstchenPipeline"}'),
  },
  {
    what: 'an unknown scheduler',
    code: 'SCHEDULER_UNKNOWN',
    names: /ImaginaryScheduler/,
    plain: true,
    damage: (dir) =>
      edit(join(dir, 'scheduler/scheduler_config.json'), (content) => ({
        ...content,
        _class_name: 'ImaginaryScheduler',
      })),
  },
  {
    what: 'a config of the wrong shape',
    code: 'PACK_INVALID',
    names: /vae_decoder\/config\.json: latent_channels/,
    plain: true,
    damage: (dir) =>
      edit(join(dir, 'vae_decoder/config.json'), (content) => ({ ...content, latent_channels: 'four' })),
  },
  {
    what: 'a graph that is none',
    code: 'GRAPH_LOAD_FAILED',
    names: /text_encoder\/model\.onnx/,
    plain: true,
    damage: (dir) => truncate(join(dir, 'text_encoder/model.onnx'), 1000),
  },
  {
    what: 'a graph with an input that the pipeline does not know',
    pack: 'sdxl',
    code: 'GRAPH_INPUT_UNEXPECTED',
    names: /unet\/model\.onnx has an unexpected input "text_embeds"/,
    plain: true,
    damage: (dir) => writeFile(join(dir, 'model_index.json'), '{"_class_name": "StableDiffusionPipeline"}'),
  },
  {
    what: 'a graph without the output that the pipeline reads',
    code: 'GRAPH_INPUT_UNEXPECTED',
    names: /text_encoder\/model\.onnx has no output "hidden_states/,
    plain: true,
    damage: (dir) => writeFile(join(dir, 'model_index.json'), '{"_class_name": "StableDiffusionXLPipeline"}'),
  },
  {
    what: 'a tokenizer with more tokens than its encoder',
    code: 'TOKENIZER_INVALID',
    names: /tokenizer has \d+ tokens but text_encoder knows \d+/,
    plain: true,
    damage: (dir) =>
      edit(join(dir, 'tokenizer/tokenizer.json'), (content) => {
        const model = content['model'] as Json;
        return {
          ...content,
          model: { ...model, vocab: { ...(model['vocab'] as Json), 'one more</w>': 527 } },
        };
      }),
  },
  {
    what: 'a tokenizer for longer texts than its encoder',
    code: 'TOKENIZER_INVALID',
    names: /makes 77 tokens but text_encoder takes 20/,
    plain: true,
    damage: (dir) =>
      edit(join(dir, 'tokenizer/tokenizer_config.json'), (content) => ({ ...content, model_max_length: 77 })),
  },
  {
    what: 'a tokenizer that is not JSON',
    code: 'TOKENIZER_INVALID',
    names: /tokenizer\/tokenizer\.json/,
    plain: true,
    damage: (dir) => truncate(join(dir, 'tokenizer/tokenizer.json'), 300),
  },
  {
    what: 'a pack without its tokenizer',
    code: 'TOKENIZER_INVALID',
    names: /tokenizer has neither/,
    plain: true,
    damage: (dir) => rm(join(dir, 'tokenizer'), { recursive: true }),
  },
];

describe('a damaged pack is refused when it is opened', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'zsky-pack-'));
  });
  afterEach(() => rm(scratch, { recursive: true }));

  it.each(DAMAGES)('$what', async ({ pack, code, names, plain, damage }) => {
    const dir = join(scratch, 'pack');
    await cp(join(FIXTURES, pack ?? 'sd'), dir, { recursive: true });
    if (plain) await unlink(join(dir, 'manifest.json'));
    await damage(dir);
    await expect(openPipeline(dir, { device: 'cpu', threads: 1, verifyDigests: true })).rejects.toMatchObject(
      { code, message: expect.stringMatching(names) },
    );
  });

  it('opens undamaged, with and without its manifest', async () => {
    const dir = join(scratch, 'pack');
    await cp(join(FIXTURES, 'sd'), dir, { recursive: true });
    await (await openPipeline(dir, { device: 'cpu', threads: 1, verifyDigests: true })).release();
    await unlink(join(dir, 'manifest.json'));
    const plain = await openPipeline(dir, { device: 'cpu', threads: 1, verifyDigests: true });
    expect(plain.pack.id).toBe('pack');
    await plain.release();
  });

  it.each([
    ['sd', 'ORTStableDiffusionPipeline'],
    ['sd', 'OnnxStableDiffusionPipeline'],
    ['sdxl', 'StableDiffusionXLImg2ImgPipeline'],
    ['sdxl', 'ORTStableDiffusionXLImg2ImgPipeline'],
  ])('opens the %s that an exporter calls %s', async (pack, name) => {
    const dir = join(scratch, 'pack');
    await cp(join(FIXTURES, pack), dir, { recursive: true });
    await unlink(join(dir, 'manifest.json'));
    await edit(join(dir, 'model_index.json'), (content) => ({ ...content, _class_name: name }));
    const pipeline = await openPipeline(dir, { device: 'cpu', threads: 1, verifyDigests: true });
    expect(pipeline.kind).toBe('image');
    await pipeline.release();
  });

  it('draws nothing with an autoencoder whose size only a missing config told', async () => {
    const dir = join(scratch, 'pack');
    await cp(join(FIXTURES, 'sd'), dir, { recursive: true });
    await unlink(join(dir, 'manifest.json'));
    await unlink(join(dir, 'vae_decoder/config.json'));
    const pipeline = await openPipeline(dir, { device: 'cpu', threads: 1, verifyDigests: true });
    if (pipeline.kind !== 'image') throw new Error('no pictures');
    const request = { prompt: 'a boat', width: 32, height: 32, seed: 1, steps: 1 };
    await expect(pipeline.generate(request, { progress: async () => {} })).rejects.toMatchObject({
      code: 'PACK_INVALID',
      message: expect.stringMatching(/vae_decoder\/model\.onnx makes 16x16 pixels of 4x4 latents/),
    });
    await pipeline.release();
  });
});
