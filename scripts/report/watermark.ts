import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { RgbImage } from '../../core/media.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectPicture, embedPicture } from '../../safety/watermark/picture.js';
import { psnr, ssim } from './picture-quality.js';
import { ATTACKS } from './watermark-attacks.js';

/**
 * Measures the picture watermark on a folder of pictures:
 *
 *   npm run build && node dist/scripts/report/watermark.js PICTURES [--first N] [--only TEXT] [--json FILE]
 *   node dist/scripts/report/watermark.js PICTURES --unmarked     reads them unmarked, whole and in parts
 *   node dist/scripts/report/watermark.js PICTURES --marked OUT   writes marked copies, to be looked at
 */
const KEY = new TextEncoder().encode('the key of the watermark report');
/** Parts of each picture that are read in search of false positives. */
const PARTS = 8;

async function load(file: string): Promise<RgbImage> {
  const { data, info } = await sharp(file)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function attacks(files: readonly string[], only: string): Promise<Record<string, number>> {
  const attempts = ATTACKS.filter(({ name }) => name.includes(only));
  const read = new Map(attempts.map(({ name }) => [name, 0]));
  const lost: string[] = [];
  const quality: { psnr: number; ssim: number }[] = [];
  for (const [index, file] of files.entries()) {
    const original = await load(file);
    const payload = payloadFor('report', (index + 1).toString(16).padStart(8, '0').repeat(4));
    const marked = embedPicture(original, payload, KEY);
    quality.push({ psnr: psnr(original, marked), ssim: ssim(original, marked) });
    const failed: string[] = [];
    for (const attack of attempts) {
      const found = detectPicture(await attack.apply(marked), KEY);
      if (found.found && found.payload === toHex(payload))
        read.set(attack.name, (read.get(attack.name) ?? 0) + 1);
      else failed.push(`${attack.name} (z ${found.confidence.toFixed(1)})`);
    }
    const { psnr: decibels, ssim: likeness } = quality[index];
    lost.push(
      `${file}: ${decibels.toFixed(1)} dB, ${likeness.toFixed(4)}; lost: ${failed.join(', ') || 'nothing'}`,
    );
    console.error(lost[index]);
  }
  const rows = attempts.map(({ name, aim }) => {
    const percent = (100 * (read.get(name) ?? 0)) / files.length;
    return { name, aim, percent };
  });
  const mean = (pick: (each: { psnr: number; ssim: number }) => number): number =>
    quality.reduce((sum, each) => sum + pick(each), 0) / quality.length;
  console.log(
    `${files.length} pictures; PSNR mean ${mean((q) => q.psnr).toFixed(1)} dB, median`,
    `${median(quality.map((q) => q.psnr)).toFixed(1)}, least ${Math.min(...quality.map((q) => q.psnr)).toFixed(1)};`,
    `SSIM mean ${mean((q) => q.ssim).toFixed(4)}, least ${Math.min(...quality.map((q) => q.ssim)).toFixed(4)}\n`,
  );
  console.log('| attack | read whole | aim |\n|---|---|---|');
  for (const { name, aim, percent } of rows) console.log(`| ${name} | ${percent.toFixed(0)}% | ${aim}% |`);
  return Object.fromEntries(rows.map(({ name, percent }) => [name, percent]));
}

/** Reads pictures that carry nothing: whole, and in parts of a quarter of each side upwards. */
async function unmarked(files: readonly string[], searches: number): Promise<void> {
  let reads = 0;
  let accepted = 0;
  const scores: number[] = [];
  for (const file of files) {
    const picture = await load(file);
    for (let part = 0; part < PARTS; part++) {
      const side = Math.max(200, Math.round(Math.min(picture.width, picture.height) * (0.3 + 0.08 * part)));
      const piece = cut(picture, side, part / PARTS);
      const found = detectPicture(piece, KEY, { search: part < searches ? 'full' : 'as-made' });
      reads += 1;
      if (found.found) accepted += 1;
      scores.push(found.confidence);
    }
  }
  scores.sort((a, b) => a - b);
  const quantile = (share: number): string => scores[Math.floor(share * (scores.length - 1))].toFixed(2);
  console.log(
    `${reads} reads without a mark: ${accepted} accepted; confidence median ${quantile(0.5)},`,
    `99% below ${quantile(0.99)}, highest ${quantile(1)}`,
  );
}

function cut({ width, height, data }: RgbImage, side: number, along: number): RgbImage {
  const size = Math.min(side, width, height);
  const left = Math.floor((width - size) * along);
  const top = Math.floor((height - size) * (1 - along));
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
      unmarked: { type: 'boolean', default: false },
      searches: { type: 'string', default: '2' },
      marked: { type: 'string' },
    },
  });
  const [folder = '.'] = positionals;
  const files = readdirSync(folder)
    .filter((name) => /\.(png|jpe?g|webp)$/.test(name))
    .sort()
    .slice(0, Number(values.first))
    .map((name) => join(folder, name));
  if (values.marked !== undefined) {
    for (const [index, file] of files.entries()) {
      const marked = embedPicture(
        await load(file),
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
  if (values.unmarked) return await unmarked(files, Number(values.searches));
  const table = await attacks(files, values.only);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(table, null, 1));
}

await main();
