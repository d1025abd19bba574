import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { RgbImage } from '../../core/media.js';
import { findFfmpeg } from '../../daemon/media/find-ffmpeg.js';
import { createFrameMarker, FilmReader } from '../../safety/watermark/film.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { attackTable } from './attack-table.js';
import { psnr } from './picture-quality.js';
import { replaceSection } from './report-file.js';

/**
 * Measures the film watermark on clips of two seconds made from a folder of photographs (a camera that pans, nears
 * or stands still with sensor noise, every third one darkened):
 *
 *   npm run build && node dist/scripts/report/watermark-film.js PHOTOGRAPHS [--clips N] [--write]
 *
 * --write puts the table into docs/watermark.md.
 */
const KEY = new TextEncoder().encode('the key of the watermark report');
const WIDTH = 832;
const HEIGHT = 480;
const FRAMES = 48;
const FPS = 24;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { clips: { type: 'string', default: '8' }, write: { type: 'boolean', default: false } },
});
const [folder = '.'] = positionals;
const wanted = Number(values.clips);
const ffmpeg = findFfmpeg();
const scratch = mkdtempSync(join(tmpdir(), 'watermark-film-'));

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync(ffmpeg, ['-v', 'error', '-y', '-threads', '1', ...args]);
  if (status !== 0) throw new Error(`ffmpeg: ${stderr.toString()}`);
}

async function clip(file: string, index: number): Promise<RgbImage[]> {
  const wide = await sharp(file)
    .removeAlpha()
    .resize(Math.round(WIDTH * 1.3), Math.round(HEIGHT * 1.3), { fit: 'cover' })
    .linear(index % 3 === 2 ? 0.25 : 1, 0)
    .png({ compressionLevel: 1 })
    .toBuffer();
  let state = 7;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const frames: RgbImage[] = [];
  for (let frame = 0; frame < FRAMES; frame++) {
    const along = frame / FRAMES;
    const kind = index % 4;
    const grow = kind === 1 ? 1.28 - 0.25 * along : 1;
    const width = Math.round(WIDTH * grow);
    const height = Math.round(HEIGHT * grow);
    const slack = { x: Math.round(WIDTH * 1.3) - width, y: Math.round(HEIGHT * 1.3) - height };
    const part = kind === 0 || kind === 2 ? along : 0.5;
    const data = await sharp(wide)
      .extract({
        left: Math.floor(slack.x * (kind === 1 ? 0.5 : part)),
        top: Math.floor(slack.y * (kind === 2 ? part : 0.5)),
        width,
        height,
      })
      .resize(WIDTH, HEIGHT)
      .raw()
      .toBuffer();
    // Sensor noise that differs from frame to frame.
    if (kind === 3)
      for (let i = 0; i < data.length; i++) data[i] = Math.min(255, Math.max(0, data[i] + 6 * random()));
    frames.push({ width: WIDTH, height: HEIGHT, data });
  }
  return frames;
}

function encoded(frames: readonly RgbImage[], crf: number, filter = 'null'): string {
  const raw = join(scratch, 'frames.rgb');
  const out = join(scratch, `film-${crf}.mp4`);
  writeFileSync(raw, Buffer.concat(frames.map(({ data }) => data)));
  const size = `${frames[0].width}x${frames[0].height}`;
  run([
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', size, '-r', String(FPS), '-i', raw],
    ...['-vf', `${filter},scale=out_color_matrix=bt709:out_range=tv,format=yuv420p`],
    ...['-c:v', 'libx264', '-preset', 'fast', '-crf', String(crf), '-g', String(FPS), out],
  ]);
  return out;
}

function decoded(file: string, width: number, height: number, keyFrames: boolean): RgbImage[] {
  const raw = join(scratch, 'decoded.rgb');
  run([
    ...(keyFrames ? ['-skip_frame', 'nokey'] : []),
    '-i',
    file,
    '-fps_mode',
    'passthrough',
    '-vf',
    'scale=in_color_matrix=bt709:in_range=tv',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    raw,
  ]);
  const bytes = readFileSync(raw);
  const size = width * height * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => ({
    width,
    height,
    data: bytes.subarray(i * size, (i + 1) * size),
  }));
}

const ROWS = [
  { name: 'CRF 23', crf: 23, filter: 'null', width: WIDTH, height: HEIGHT, aim: 99 },
  { name: 'CRF 28', crf: 28, filter: 'null', width: WIDTH, height: HEIGHT, aim: 99 },
  { name: 'CRF 33', crf: 33, filter: 'null', width: WIDTH, height: HEIGHT, aim: 90 },
  { name: 'half size, CRF 23', crf: 23, filter: 'scale=416:240', width: 416, height: 240, aim: 90 },
  { name: 'crop 25%, CRF 23', crf: 23, filter: 'crop=720:416:70:40', width: 720, height: 416, aim: 90 },
] as const;

const read = new Map<string, number>(ROWS.map(({ name }) => [name, 0]));
const growth: number[] = [];
const files = readdirSync(folder)
  .filter((name) => /\.(png|jpe?g|webp)$/.test(name))
  .sort();
const step = Math.max(1, Math.floor(files.length / wanted));
let clips = 0;
for (let index = 0; index < wanted; index++) {
  const frames = await clip(join(folder, files[index * step]), index);
  const payload = payloadFor('report', (index + 1).toString(16).padStart(8, '0').repeat(4));
  const marker = createFrameMarker(WIDTH, HEIGHT, payload, KEY);
  const marked = frames.map((frame) => marker.mark(frame));
  const bare = statSync(encoded(frames, 23)).size;
  const notes: string[] = [];
  for (const { name, crf, filter, width, height } of ROWS) {
    const file = encoded(marked, crf, filter);
    if (name === 'CRF 23') growth.push(statSync(file).size / bare);
    const reader = new FilmReader(KEY);
    for (const frame of decoded(file, width, height, false)) reader.add(frame);
    for (const frame of decoded(file, width, height, true)) reader.add(frame, true);
    const found = reader.read();
    if (found.found && found.payload === toHex(payload)) read.set(name, (read.get(name) ?? 0) + 1);
    notes.push(`${name} ${found.found ? 'read' : 'LOST'} z ${found.confidence.toFixed(1)}`);
  }
  clips += 1;
  console.error(
    `${files[index * step]}: ${psnr(frames[0], marked[0]).toFixed(1)} dB,`,
    `size x${growth[index].toFixed(2)}; ${notes.join('; ')}`,
  );
}
rmSync(scratch, { recursive: true });
const sorted = [...growth].sort((a, b) => a - b);
const times = (value: number): string => value.toFixed(2);
const text = [
  `${clips} films of two seconds (${WIDTH}x${HEIGHT}, ${FPS} a second), x264 preset fast. The marked file is ` +
    `${times(sorted[sorted.length >> 1])} times as large as the unmarked one (median at CRF 23; ` +
    `${times(sorted[0])} to ${times(sorted[sorted.length - 1])}).`,
  `\`node dist/scripts/report/watermark-film.js PHOTOGRAPHS --clips ${clips} --write\``,
  '',
  attackTable('film', ROWS, read, clips),
].join('\n');
console.log(text);
if (values.write) replaceSection('films', text, 'watermark.md');
