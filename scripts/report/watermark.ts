import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { RgbImage } from '../../core/media.js';
import { readPicture } from '../../daemon/media/read-picture.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectPicture, embedPicture } from '../../safety/watermark/picture.js';
import { psnr, ssim } from './picture-quality.js';
import { drawnPicture } from './drawn-pictures.js';
import { otherMethod, type WatermarkMethod } from './other-watermarks.js';
import { ATTACKS } from './watermark-attacks.js';

/**
 * Measures the picture watermark on a folder of pictures, or on drawn ones:
 *
 *   npm run build && node dist/scripts/report/watermark.js PICTURES [--first N] [--only TEXT] [--json FILE]
 *   node dist/scripts/report/watermark.js --drawn 40                  the same on 40 drawn pictures
 *   node dist/scripts/report/watermark.js PICTURES --unmarked 200     reads 200 parts of each picture unmarked
 *   node dist/scripts/report/watermark.js PICTURES --marked OUT       writes marked copies, to be looked at
 *   node dist/scripts/report/watermark.js PICTURES --method dwtDct --python PYTHON
 *                                                                     the same attacks on another watermark
 *
 * --only takes the attacks whose names contain the text. Of the parts read unmarked, the first --searches of each
 * picture are searched for in full. --method is dwtDct, dwtDctSvd or rivaGan of the Python package
 * invisible-watermark, which PYTHON must be able to import.
 */
const KEY = new TextEncoder().encode('the key of the watermark report');

interface Source {
  readonly name: string;
  load(): Promise<RgbImage>;
}

/** The node's own watermark. */
const OURS: WatermarkMethod = {
  embed: async (image, payload) => embedPicture(image, payload, KEY),
  read: async (image) => {
    const found = detectPicture(image, KEY);
    return { payload: found.found ? found.payload : undefined, note: `(z ${found.confidence.toFixed(1)})` };
  },
  close: () => undefined,
};

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function attacks(
  sources: readonly Source[],
  only: string,
  method: WatermarkMethod,
): Promise<Record<string, number>> {
  const attempts = ATTACKS.filter(({ name }) => name.includes(only));
  const read = new Map(attempts.map(({ name }) => [name, 0]));
  const quality: { psnr: number; ssim: number }[] = [];
  for (const [index, source] of sources.entries()) {
    const original = await source.load();
    const payload = payloadFor('report', (index + 1).toString(16).padStart(8, '0').repeat(4));
    const marked = await method.embed(original, payload);
    quality.push({ psnr: psnr(original, marked), ssim: ssim(original, marked) });
    const failed: string[] = [];
    for (const attack of attempts) {
      const found = await method.read(await attack.apply(marked), payload.length);
      if (found.payload === toHex(payload)) read.set(attack.name, (read.get(attack.name) ?? 0) + 1);
      else failed.push(`${attack.name}${found.payload === undefined ? '' : ' WRONG'} ${found.note}`);
    }
    const { psnr: decibels, ssim: likeness } = quality[index];
    console.error(
      `${source.name}: ${decibels.toFixed(1)} dB, ${likeness.toFixed(4)}; lost: ${failed.join(', ') || 'nothing'}`,
    );
  }
  const rows = attempts.map(({ name, aim }) => {
    const percent = (100 * (read.get(name) ?? 0)) / sources.length;
    return { name, aim, percent };
  });
  const mean = (pick: (each: { psnr: number; ssim: number }) => number): number =>
    quality.reduce((sum, each) => sum + pick(each), 0) / quality.length;
  console.log(
    `${sources.length} pictures; PSNR mean ${mean((q) => q.psnr).toFixed(1)} dB, median`,
    `${median(quality.map((q) => q.psnr)).toFixed(1)}, least ${Math.min(...quality.map((q) => q.psnr)).toFixed(1)};`,
    `SSIM mean ${mean((q) => q.ssim).toFixed(4)}, least ${Math.min(...quality.map((q) => q.ssim)).toFixed(4)}\n`,
  );
  console.log('| attack | read whole | aim |\n|---|---|---|');
  for (const { name, aim, percent } of rows) console.log(`| ${name} | ${percent.toFixed(0)}% | ${aim}% |`);
  return Object.fromEntries(rows.map(({ name, percent }) => [name, percent]));
}

/** Reads parts of pictures that carry nothing; some are searched for in full, the rest as if just made. */
async function unmarked(sources: readonly Source[], parts: number, searches: number): Promise<void> {
  const scores: Record<'as-made' | 'full', number[]> = { 'as-made': [], full: [] };
  let accepted = 0;
  for (const source of sources) {
    const picture = await source.load();
    for (let part = 0; part < parts; part++) {
      // Sides of 200 pixels upwards, at places that differ from part to part.
      const share = ((part * 0.618034) % 1) ** 2;
      const least = Math.min(200, picture.width, picture.height);
      const side = Math.round(least + (Math.min(512, picture.width, picture.height) - least) * share);
      const piece = cut(picture, side, (part * 0.754878) % 1, (part * 0.56984) % 1);
      const search = part < searches ? 'full' : 'as-made';
      const found = detectPicture(piece, KEY, { search });
      if (found.found) accepted += 1;
      scores[search].push(found.confidence);
    }
  }
  console.log(
    `${scores.full.length + scores['as-made'].length} reads without a mark: ${accepted} accepted\n`,
  );
  console.log('| look | reads | median | 99% below | 99.9% below | highest |\n|---|---|---|---|---|---|');
  for (const [look, all] of Object.entries(scores)) {
    if (all.length === 0) continue;
    all.sort((a, b) => a - b);
    const quantile = (share: number): string => all[Math.floor(share * (all.length - 1))].toFixed(2);
    console.log(
      `| ${look} | ${all.length} | ${quantile(0.5)} | ${quantile(0.99)} | ${quantile(0.999)} | ${quantile(1)} |`,
    );
  }
}

function cut({ width, height, data }: RgbImage, size: number, across: number, down: number): RgbImage {
  const left = Math.floor((width - size) * across);
  const top = Math.floor((height - size) * down);
  const out = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(data.subarray(from, from + size * 3), y * size * 3);
  }
  return { width: size, height: size, data: out };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      first: { type: 'string', default: '1000000' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      drawn: { type: 'string' },
      unmarked: { type: 'string' },
      searches: { type: 'string', default: '2' },
      marked: { type: 'string' },
      method: { type: 'string' },
      python: { type: 'string', default: 'python3' },
    },
  });
  const [folder = '.'] = positionals;
  const first = Number(values.first);
  const sources: Source[] =
    values.drawn === undefined
      ? readdirSync(folder)
          .filter((name) => /\.(png|jpe?g|webp)$/.test(name))
          .sort()
          .slice(0, first)
          .map((name) => ({ name, load: () => readPicture(join(folder, name)) }))
      : Array.from({ length: Number(values.drawn) }, (_, seed) => ({
          name: `drawn ${seed}`,
          load: async () => (await drawnPicture(seed)).picture,
        }));
  if (values.marked !== undefined) {
    for (const [index, source] of sources.entries()) {
      const marked = embedPicture(
        await source.load(),
        payloadFor('report', String(index).padStart(8, '0')),
        KEY,
      );
      const { width, height, data } = marked;
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(join(values.marked, `${index}.png`));
    }
    return;
  }
  if (values.unmarked !== undefined)
    return await unmarked(sources, Number(values.unmarked), Number(values.searches));
  const method = values.method === undefined ? OURS : otherMethod(values.method, values.python);
  const table = await attacks(sources, values.only, method);
  method.close();
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(table, null, 1));
}

await main();
