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

const PICTURE_FORMATS = ['.webp', '.png', '.jpg', '.jpeg', '.avif'];

const requestFile = z.strictObject({
  prompt: z.string(),
  negative: z.string().optional(),
  width: z.number().int().positive().max(4096).optional(),
  height: z.number().int().positive().max(4096).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  generator: z.enum(['cpu', 'cuda']).optional(),
  steps: z.number().int().positive().optional(),
  guidanceScale: z.number().optional(),
  trueGuidanceScale: z.number().optional(),
  scheduler: z.string().optional(),
});

const usage = `usage: zsky-node run --pack DIR --request FILE.json [--out FILE.webp] [--raw FILE.npy]

Runs one request through one image pack: no broker, no safety checks, no watermark. DIR is a pack of this
project or a plain folder exported from diffusers. --request, --out and --raw may be repeated together: the
pack is loaded once.

  --pack DIR       folder with model_index.json
  --request FILE   the request: prompt, and optionally negative, width, height, seed, steps, guidanceScale,
                   trueGuidanceScale (FLUX), scheduler (a class name), generator (cpu or cuda: whose noise
                   the seed stands for in torch, whatever --device runs the graphs)
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
      request: { type: 'string', multiple: true, default: [] },
      out: { type: 'string', multiple: true, default: [] },
      raw: { type: 'string', multiple: true, default: [] },
      device: { type: 'string', default: 'cpu' },
      threads: { type: 'string', default: '0' },
      'no-verify': { type: 'boolean', default: false },
    },
  });
  const wrong = misuse(values);
  if (wrong !== undefined) {
    console.error(`zsky-node run: ${wrong}\n\n${usage}`);
    return 2;
  }
  const pipeline = await openPipeline(values.pack!, {
    device: values.device as 'cpu' | 'cuda',
    threads: Number(values.threads),
    verifyDigests: !values['no-verify'],
  });
  try {
    if (pipeline.kind !== 'image') {
      throw new NodeError(
        'KIND_UNSUPPORTED',
        `${values.pack} makes ${pipeline.kind}; this command runs image packs`,
      );
    }
    for (const [i, path] of values.request.entries()) {
      await runOne(pipeline, path, values.raw[i], values.out[i]);
    }
  } finally {
    await pipeline.release();
  }
  return 0;
}

interface Flags {
  readonly pack?: string | undefined;
  readonly request: readonly string[];
  readonly out: readonly string[];
  readonly raw: readonly string[];
  readonly device: string;
  readonly threads: string;
}

/** What is wrong with the flags, in words. */
function misuse({ pack, request, out, raw, device, threads }: Flags): string | undefined {
  if (pack === undefined || request.length === 0) return '--pack and --request are needed';
  if (out.length === 0 && raw.length === 0) return 'nothing to write: give --out, --raw or both';
  for (const [flag, files] of [
    ['--out', out],
    ['--raw', raw],
  ] as const) {
    if (files.length !== 0 && files.length !== request.length)
      return `${flag} must be given once for each --request`;
  }
  if (device !== 'cpu' && device !== 'cuda') return `--device must be cpu or cuda, not ${device}`;
  if (!/^\d+$/.test(threads)) return `--threads must be a whole number, not ${threads}`;
  const strange = out.find((file) => !PICTURE_FORMATS.includes(extname(file)));
  return strange === undefined
    ? undefined
    : `--out must end in ${PICTURE_FORMATS.join(', ')}, not ${strange}`;
}

async function runOne(
  pipeline: ImagePipeline,
  path: string,
  raw: string | undefined,
  out: string | undefined,
): Promise<void> {
  const request = await readRequest(path, pipeline);
  const observer = terminalObserver();
  const start = performance.now();
  const before = { ms: pipeline.meter.ms, runs: pipeline.meter.runs };
  if (raw !== undefined) {
    const picture = await pipeline.generate(request, observer);
    await writeFile(raw, npyBytes(picture.data, [3, picture.height, picture.width]));
  }
  if (out !== undefined) {
    const image = await generateExactly(pipeline, request, observer);
    await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } }).toFile(out);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  console.log(
    `${[out, raw].filter((file) => file !== undefined).join(', ')}: ${request.width}x${request.height}, ` +
      `seed ${request.seed}, ${seconds(performance.now() - start)} s, of it ${seconds(pipeline.meter.ms - before.ms)} s ` +
      `in ${pipeline.meter.runs - before.runs} graph runs`,
  );
}

const command: Command = {
  summary: 'run one request through one image pack, without broker or checks',
  usage,
  run,
};
export default command;
