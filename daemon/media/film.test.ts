import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PcmAudio, RgbImage } from '../../core/media.js';
import { prepareFfmpeg } from '../../scripts/setup/ffmpeg.js';
import { decodeAudio, writeMastered } from './encode-audio.js';
import { encodeFilm, filmSize } from './film-encoder.js';
import { integratedLoudness, truePeakDb } from './loudness.js';
import { muxFilm } from './mux.js';
import { expectFilm, expectSound, frameSize, probeMedia } from './probe.js';
import { readFrames } from './read-frames.js';

let ffmpegPath: string;
let scratch: string;
beforeAll(async () => {
  ffmpegPath = await prepareFfmpeg(() => undefined);
}, 300_000);
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'film-test-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Bars of the eight corner colours and a ramp of grey, the ramp moving. */
function bars(width: number, height: number, step: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const bar = Math.floor((x * 8) / width);
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] =
          y < height / 2 ? ((bar >> channel) & 1) * 255 : ((x + step) * 255) / (width + 300);
      }
    }
  }
  return { width, height, data };
}
async function* movingBars(width: number, height: number, count: number): AsyncGenerator<RgbImage> {
  for (let step = 0; step < count; step++) yield bars(width, height, step);
}

function noise(seconds: number): PcmAudio {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
  return {
    sampleRateHz: 44_100,
    channels: [0, 1].map(() =>
      Float32Array.from({ length: Math.round(seconds * 44_100) }, () => 0.1 * next()),
    ),
  };
}

async function makeFilm(width: number, height: number, frames: number): Promise<string> {
  const filmPath = join(scratch, 'film.mp4');
  const soundPath = join(scratch, 'sound.m4a');
  const outputPath = join(scratch, 'out.mp4');
  const sampleCount = Math.round((frames / 24) * 48_000);
  await encodeFilm(movingBars(width, height, frames), filmPath, {
    ffmpegPath,
    width,
    height,
    framesPerSecond: 24,
  });
  const goal = { targetLufs: -16, maxTruePeakDb: -1, sampleCount };
  await writeMastered(noise(frames / 24 + 0.2), 'm4a', soundPath, goal, { ffmpegPath });
  await muxFilm({ ffmpegPath, filmPath, soundPath, outputPath });
  return outputPath;
}

describe('a film', () => {
  for (const [askedWidth, askedHeight, frames] of [
    [256, 256, 25],
    [257, 511, 26],
    [320, 180, 97],
    [720, 1280, 25],
  ] as const) {
    it(`is exactly as asked at ${askedWidth}x${askedHeight}, ${frames} frames`, async () => {
      const { width, height } = filmSize(askedWidth, askedHeight);
      const path = await makeFilm(width, height, frames);
      const probe = await probeMedia(path, ffmpegPath);
      expectFilm(probe, { width, height, frames, framesPerSecond: 24 });
      const heard = await decodeAudio(path, { ffmpegPath });
      expect(Math.abs(integratedLoudness(heard) + 16)).toBeLessThan(0.5);
      expect(truePeakDb(heard)).toBeLessThanOrEqual(-1);
      const bytes = readFileSync(path);
      expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    });
  }

  it('brings colour bars back within 3 of 255', async () => {
    const path = await makeFilm(320, 180, 25);
    let worst = 0;
    const count = await readFrames(
      path,
      { ffmpegPath, width: 320, height: 180, every: 6 },
      (frame, index) => {
        const wanted = bars(320, 180, index);
        for (let y = 8; y < 180; y++) {
          // Where two bars meet, 4:2:0 chroma is shared by both and x264 rings.
          if (y > 82 && y < 98) continue;
          for (let x = 8; x < 312; x++) {
            if (y < 90 && (x % 40 < 12 || x % 40 > 27)) continue;
            for (let channel = 0; channel < 3; channel++) {
              const at = (y * 320 + x) * 3 + channel;
              worst = Math.max(worst, Math.abs(frame.data[at] - wanted.data[at]));
            }
          }
        }
      },
    );
    expect(count).toBe(5);
    expect(worst).toBeLessThanOrEqual(3);
  });

  it('is decoded no further than the frames that are wanted', async () => {
    const path = await makeFilm(320, 180, 97);
    const report = join(scratch, 'report.txt');
    const wrapper = join(scratch, 'ffmpeg');
    writeFileSync(wrapper, `#!/bin/sh\nexec env FFREPORT=file=${report}:level=40 ${ffmpegPath} "$@"\n`);
    chmodSync(wrapper, 0o755);
    const size = { width: 320, height: 180 };
    const visited: number[] = [];
    const count = await readFrames(path, { ffmpegPath: wrapper, ...size, every: 2, limit: 3 }, (_, index) => {
      visited.push(index);
    });
    expect(count).toBe(3);
    expect(visited).toEqual([0, 2, 4]);
    const log = readFileSync(report, 'utf8');
    // A decoder of several threads is a few frames ahead.
    expect(Number(/(\d+) frames decoded/.exec(log)?.[1])).toBeLessThan(60);
    expect(log).not.toMatch(/\[(warning|error|fatal)\]/);
    expect(spawnSync('pgrep', ['-f', path]).status).toBe(1);
    expect(await frameSize(path, ffmpegPath)).toEqual(size);
    expect(await frameSize(join(scratch, 'sound.m4a'), ffmpegPath)).toBeUndefined();
  });

  it('that differs from what was asked is refused with every difference', async () => {
    const path = await makeFilm(256, 256, 25);
    const probe = await probeMedia(path, ffmpegPath);
    expect(() => expectFilm(probe, { width: 256, height: 258, frames: 26, framesPerSecond: 24 })).toThrow(
      expect.objectContaining({
        code: 'PROBE_MISMATCH',
        message: expect.stringMatching(/256x256, 25 frames/),
      }),
    );
  });

  it('with damaged bytes is noticed', async () => {
    const path = await makeFilm(256, 256, 25);
    const bytes = readFileSync(path);
    const data = bytes.indexOf('mdat');
    for (let at = data + 3000; at < bytes.length; at += 97) bytes[at] ^= 0x5a;
    writeFileSync(path, bytes);
    const asked = { width: 256, height: 256, frames: 25, framesPerSecond: 24 };
    await expect(
      probeMedia(path, ffmpegPath).then((probe) => expectFilm(probe, asked)),
    ).rejects.toMatchObject({ code: expect.stringMatching(/PROBE_MISMATCH|FFMPEG_FAILED/) });
  });
});

describe('sound files', () => {
  for (const format of ['wav', 'flac', 'm4a'] as const) {
    it(`are at -16 LUFS and of the asked length as ${format}`, async () => {
      const path = join(scratch, `sound.${format}`);
      const goal = { targetLufs: -16, maxTruePeakDb: -1, sampleCount: 48_000 * 2 };
      const heard = await writeMastered(noise(2.5), format, path, goal, { ffmpegPath });
      expect(Math.abs(heard.integratedLufs + 16)).toBeLessThan(0.5);
      expect(heard.truePeakDb).toBeLessThanOrEqual(-1);
      expectSound(await probeMedia(path, ffmpegPath), 2000);
    });
  }
});

describe('what can go wrong', () => {
  const settings = () => ({ ffmpegPath, width: 256, height: 256, framesPerSecond: 24 });

  it('ffmpeg killed mid-film fails typed and lets the source go', async () => {
    const pidFile = join(scratch, 'pid');
    const wrapper = join(scratch, 'ffmpeg');
    // The last ffmpeg started is the one that encodes; those before it only list its abilities.
    writeFileSync(wrapper, `#!/bin/sh\necho $$ > ${pidFile}\nexec ${ffmpegPath} "$@"\n`);
    chmodSync(wrapper, 0o755);
    let released = false;
    async function* source(): AsyncGenerator<RgbImage> {
      try {
        for (let step = 0; ; step++) {
          if (step === 10) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
          yield bars(256, 256, step);
        }
      } finally {
        released = true;
      }
    }
    await expect(
      encodeFilm(source(), join(scratch, 'f.mp4'), { ...settings(), ffmpegPath: wrapper }),
    ).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
    await expect.poll(() => released, { timeout: 20_000 }).toBe(true);
  });

  it('an abort ends ffmpeg before it returns', async () => {
    const abort = new AbortController();
    const reason = new Error('the job was cancelled');
    async function* source(): AsyncGenerator<RgbImage> {
      for (let step = 0; ; step++) {
        if (step === 10) abort.abort(reason);
        yield bars(256, 256, step);
      }
    }
    const path = join(scratch, 'f.mp4');
    await expect(encodeFilm(source(), path, { ...settings(), signal: abort.signal })).rejects.toBe(reason);
    expect(spawnSync('pgrep', ['-f', path]).status).toBe(1);
  });

  it("a failing source's own error comes through", async () => {
    const reason = new Error('the decoder failed');
    async function* source(): AsyncGenerator<RgbImage> {
      yield bars(256, 256, 0);
      throw reason;
    }
    await expect(encodeFilm(source(), join(scratch, 'f.mp4'), settings())).rejects.toBe(reason);
  });

  it('a frame of another size is refused', async () => {
    await expect(
      encodeFilm(movingBars(128, 256, 3), join(scratch, 'f.mp4'), settings()),
    ).rejects.toMatchObject({
      code: 'ENCODE_FAILED',
    });
  });

  const mountable = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
  it.skipIf(!mountable)('a full disk is told from other failures', async () => {
    const wrapper = join(scratch, 'ffmpeg');
    const small = mkdtempSync(join(scratch, 'small-'));
    writeFileSync(
      wrapper,
      `#!/bin/sh\nexec unshare -rm sh -c 'mount -t tmpfs -o size=64k tmpfs ${small} && exec ${ffmpegPath} "$@"' sh "$@"\n`,
    );
    chmodSync(wrapper, 0o755);
    async function* static_(): AsyncGenerator<RgbImage> {
      let state = 7;
      for (let step = 0; step < 60; step++) {
        const frame = bars(256, 256, step);
        for (let at = 0; at < frame.data.length; at++) {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          frame.data[at] = state >>> 24;
        }
        yield frame;
      }
    }
    await expect(
      encodeFilm(static_(), join(small, 'f.mp4'), { ...settings(), ffmpegPath: wrapper }),
    ).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(existsSync(join(small, 'f.mp4'))).toBe(false);
  });
});
