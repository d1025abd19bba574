import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { PcmAudio, RgbImage } from '../../core/media.js';
import { writeMastered } from '../../daemon/media/encode-audio.js';
import { encodeFilm, filmOptions, filmSize, rawFrameOptions } from '../../daemon/media/film-encoder.js';
import { muxFilm } from '../../daemon/media/mux.js';
import { expectFilm, probeMedia } from '../../daemon/media/probe.js';
import { ffprobeFigures } from '../media/film-figures.js';
import { prepareFfmpeg } from '../setup/ffmpeg.js';

/**
 * Measures the road from frames to a finished film on synthetic frames, without any model:
 *
 *   node dist/scripts/bench/film.js             everything
 *   node dist/scripts/bench/film.js --only matrix|speed|memory
 */
const FPS = 24;
const LENGTHS = [25, 26, 97, 121, 200, 241];
const SIZES: readonly (readonly [number, number])[] = [
  [256, 256],
  [720, 1280],
  [1280, 720],
  [2560, 1440],
  [257, 511],
];

/** A few frames with gradients, edges and some grain, shown again and again, each shifted by a little. */
class SyntheticFilm {
  private readonly base: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.base = new Uint8Array(width * height * 3);
    let state = 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        const grain = (state >>> 28) - 8;
        const box = ((x >> 6) + (y >> 6)) & 1 ? 30 : 0;
        const at = (y * width + x) * 3;
        this.base[at] = 40 + (150 * x) / width + box + grain;
        this.base[at + 1] = 60 + (120 * y) / height + box + grain;
        this.base[at + 2] = 90 + grain;
      }
    }
  }

  frame(index: number): RgbImage {
    const shift = ((index * 2) % this.width) * 3;
    const data = new Uint8Array(this.base.length);
    data.set(this.base.subarray(shift));
    data.set(this.base.subarray(0, shift), this.base.length - shift);
    return { width: this.width, height: this.height, data };
  }

  async *frames(count: number): AsyncGenerator<RgbImage> {
    for (let index = 0; index < count; index++) yield this.frame(index);
  }
}

function murmur(seconds: number): PcmAudio {
  let state = 9;
  let low = 0;
  const channel = Float32Array.from({ length: Math.round(seconds * 48_000) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    low += 0.05 * (state / 2 ** 31 - low);
    return low;
  });
  return { sampleRateHz: 48_000, channels: [channel] };
}

async function matrix(ffmpegPath: string, scratch: string): Promise<void> {
  console.log('\nSizes and lengths (probed by decoding every frame; ffprobe beside it)');
  for (const [askedWidth, askedHeight] of SIZES) {
    const { width, height } = filmSize(askedWidth, askedHeight);
    const film = new SyntheticFilm(width, height);
    for (const frames of LENGTHS) {
      const [silent, sound, path] = ['silent.mp4', 'sound.m4a', 'film.mp4'].map((name) =>
        join(scratch, name),
      );
      const sampleCount = Math.round((frames / FPS) * 48_000);
      await encodeFilm(film.frames(frames), silent, { ffmpegPath, width, height, framesPerSecond: FPS });
      const goal = { targetLufs: -16, maxTruePeakDb: -1, sampleCount };
      const heard = await writeMastered(murmur(frames / FPS), 'm4a', sound, goal, { ffmpegPath });
      await muxFilm({ ffmpegPath, filmPath: silent, soundPath: sound, outputPath: path });
      expectFilm(await probeMedia(path, ffmpegPath), { width, height, frames, framesPerSecond: FPS });
      console.log(
        `${askedWidth}x${askedHeight} ${frames}: as asked, ${heard.integratedLufs.toFixed(2)} LUFS, ${heard.truePeakDb.toFixed(2)} dBTP | ${ffprobeFigures(path) ?? 'no ffprobe'}`,
      );
    }
  }
}

/** Frames a second of our encoder and of ffmpeg fed by `cat` with the same frames and options, in turns. */
async function speed(ffmpegPath: string, scratch: string): Promise<void> {
  const settings = { ffmpegPath, width: 1280, height: 720, framesPerSecond: FPS };
  const film = new SyntheticFilm(settings.width, settings.height);
  const count = 121;
  const raw = join(scratch, 'frames.rgb');
  const writer = (await import('node:fs')).createWriteStream(raw);
  for (let index = 0; index < count; index++) {
    if (!writer.write(film.frame(index).data)) await once(writer, 'drain');
  }
  writer.end();
  await once(writer, 'finish');
  const out = join(scratch, 'out.mp4');
  const ours: number[] = [];
  const alone: number[] = [];
  for (let round = 0; round < 3; round++) {
    let start = performance.now();
    await encodeFilm(film.frames(count), out, settings);
    ours.push((1000 * count) / (performance.now() - start));
    start = performance.now();
    const words = [
      ...rawFrameOptions(settings),
      '-i',
      'pipe:0',
      '-y',
      '-nostdin',
      '-nostats',
      ...filmOptions(settings),
      out,
    ];
    const child = spawn('sh', ['-c', `cat ${raw} | exec "$0" "$@"`, ffmpegPath, ...words], {
      stdio: 'ignore',
    });
    await once(child, 'exit');
    alone.push((1000 * count) / (performance.now() - start));
  }
  const median = (values: number[]): number => [...values].sort((a, b) => a - b)[1];
  console.log('\nEncoding 121 synthetic frames of 1280x720, median of 3 in turns');
  console.log(
    `node ${median(ours).toFixed(1)} frames/s, ffmpeg alone ${median(alone).toFixed(1)} frames/s, ratio ${(median(ours) / median(alone)).toFixed(2)}`,
  );
}

/** Peak memory of a process that encodes a film, by length; each length in a process of its own. */
function memory(): void {
  console.log('\nPeak resident memory of the encoding process at 2560x1440');
  const peaks = [25, 241].map((frames) => {
    const said = execFileSync(
      process.execPath,
      [fileURLToPath(import.meta.url), '--memory-of', String(frames)],
      {
        encoding: 'utf8',
      },
    );
    console.log(`${frames} frames: ${said.trim()} MB`);
    return Number(said);
  });
  console.log(`ratio ${(peaks[1] / peaks[0]).toFixed(2)}`);
}

async function memoryOf(frames: number, ffmpegPath: string, scratch: string): Promise<void> {
  const film = new SyntheticFilm(2560, 1440);
  const settings = { ffmpegPath, width: 2560, height: 1440, framesPerSecond: FPS };
  await encodeFilm(film.frames(frames), join(scratch, 'out.mp4'), settings);
  await stat(join(scratch, 'out.mp4'));
  console.log(Math.round(process.resourceUsage().maxRSS / 1024));
}

const { values } = parseArgs({ options: { only: { type: 'string' }, 'memory-of': { type: 'string' } } });
const ffmpegPath = await prepareFfmpeg(() => undefined);
const scratch = await mkdtemp(join(tmpdir(), 'bench-film-'));
try {
  if (values['memory-of'] !== undefined) await memoryOf(Number(values['memory-of']), ffmpegPath, scratch);
  else {
    const wants = (part: string): boolean => values.only === undefined || values.only === part;
    if (wants('speed')) await speed(ffmpegPath, scratch);
    if (wants('memory')) memory();
    if (wants('matrix')) await matrix(ffmpegPath, scratch);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
