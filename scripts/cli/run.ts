import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import type { ImagePipeline, PictureRequest, PipelineObserver } from '../../pipelines/pipeline.js';
import { openPipeline } from '../../pipelines/registry.js';
import type { Command } from './command.js';
import { npyBytes } from './npy.js';

const requestFile = z.strictObject({
  prompt: z.string(),
  negative: z.string().optional(),
  width: z.number().int().positive().max(4096).optional(),
  height: z.number().int().positive().max(4096).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  steps: z.number().int().positive().optional(),
  guidanceScale: z.number().optional(),
  trueGuidanceScale: z.number().optional(),
  scheduler: z.string().optional(),
});

const usage = `usage: zsky-node run --pack DIR --request FILE.json [--out FILE.webp] [--raw FILE.npy]

Runs one request through one image pack: no broker, no safety checks, no watermark. DIR is a pack of this
project or a plain folder exported from diffusers.

  --pack DIR       folder with model_index.json
  --request FILE   the request: prompt, and optionally negative, width, height, seed, steps, guidanceScale,
                   trueGuidanceScale (FLUX), scheduler (a class name)
  --out FILE       the picture at exactly the asked size: .webp, .png, .jpg or .avif
  --raw FILE       the decoded picture before any change of size, [3, H, W] float32 in 0..1, as a NumPy file;
                   width and height must be sizes that the pack makes
  --device NAME    cpu (default) or cuda
  --threads N      threads inside a graph run
  --no-verify      do not compare the pack's files with the digests in its manifest

  echo '{"prompt": "a lighthouse by a black sea at night", "seed": 7}' > request.json
  zsky-node run --pack models/packs/starter-image --request request.json --out lighthouse.webp`;

async function readRequest(path: string, pipeline: ImagePipeline): Promise<PictureRequest> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new NodeError('FILE_UNREADABLE', `${path} cannot be read as JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const parsed = requestFile.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new NodeError('REQUEST_INVALID', `${path}: ${issue.path.join('.') || 'request'}: ${issue.message}`);
  }
  const [width, height] = pipeline.nativeSizes[0];
  return { ...parsed.data, width: parsed.data.width ?? width, height: parsed.data.height ?? height };
}

/** Tells on a terminal how far the picture is; says nothing into a file. */
function terminalObserver(): PipelineObserver {
  return {
    progress: async (stage, step, steps) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${stage} ${step + 1}/${steps}`);
    },
  };
}

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pack: { type: 'string' },
      request: { type: 'string' },
      out: { type: 'string' },
      raw: { type: 'string' },
      device: { type: 'string', default: 'cpu' },
      threads: { type: 'string', default: '0' },
      'no-verify': { type: 'boolean', default: false },
    },
  });
  const { pack, request: path, out, raw, device } = values;
  const threads = Number(values.threads);
  const wrong =
    pack === undefined || path === undefined
      ? '--pack and --request are needed'
      : out === undefined && raw === undefined
        ? 'nothing to write: give --out, --raw or both'
        : device !== 'cpu' && device !== 'cuda'
          ? `--device must be cpu or cuda, not ${device}`
          : !Number.isInteger(threads) || threads < 0
            ? `--threads must be a whole number, not ${values.threads}`
            : out !== undefined && !['.webp', '.png', '.jpg', '.jpeg', '.avif'].includes(extname(out))
              ? `--out must end in .webp, .png, .jpg or .avif, not ${out}`
              : undefined;
  if (wrong !== undefined) {
    console.error(`zsky-node run: ${wrong}\n\n${usage}`);
    return 2;
  }
  const pipeline = await openPipeline(pack!, {
    device: device as 'cpu' | 'cuda',
    threads,
    verifyDigests: !values['no-verify'],
  });
  try {
    if (pipeline.kind !== 'image') {
      throw new NodeError(
        'KIND_UNSUPPORTED',
        `${pack} makes ${pipeline.kind}; this command runs image packs`,
      );
    }
    const request = await readRequest(path!, pipeline);
    const observer = terminalObserver();
    const start = performance.now();
    if (raw !== undefined) {
      const picture = await pipeline.generate(request, observer);
      await writeFile(raw, npyBytes(picture.data, [3, picture.height, picture.width]));
    }
    if (out !== undefined) {
      const image = await generateExactly(pipeline, request, observer);
      await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } }).toFile(out);
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const ms = performance.now() - start;
    console.log(
      `${[out, raw].filter((file) => file !== undefined).join(', ')}: ${request.width}x${request.height}, seed ${request.seed}, ` +
        `${(ms / 1000).toFixed(2)} s, of it ${(pipeline.meter.ms / 1000).toFixed(2)} s in ${pipeline.meter.runs} graph runs`,
    );
  } finally {
    await pipeline.release();
  }
  return 0;
}

const command: Command = {
  summary: 'run one request through one image pack, without broker or checks',
  usage,
  run,
};
export default command;
