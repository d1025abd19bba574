import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import { prepareFfmpeg } from '../../scripts/setup/ffmpeg.js';
import { writeMastered } from './encode-audio.js';
import { encodeFilm } from './film-encoder.js';
import { muxFilm } from './mux.js';

const BROWSER = '/usr/bin/chromium';

async function* fade(width: number, height: number, count: number): AsyncGenerator<RgbImage> {
  for (let index = 0; index < count; index++) {
    yield { width, height, data: new Uint8Array(width * height * 3).fill(40 + 6 * index) };
  }
}

describe.skipIf(!existsSync(BROWSER))('a film in a browser', () => {
  let scratch: string;
  let server: Server;
  beforeAll(async () => {
    const ffmpegPath = await prepareFfmpeg(() => undefined);
    scratch = mkdtempSync(join(tmpdir(), 'playback-'));
    const [filmPath, soundPath, outputPath] = ['v.mp4', 'a.m4a', 'film.mp4'].map((name) =>
      join(scratch, name),
    );
    await encodeFilm(fade(320, 180, 30), filmPath, {
      ffmpegPath,
      width: 320,
      height: 180,
      framesPerSecond: 24,
    });
    const tone = Float32Array.from({ length: 60_000 }, (_, index) => 0.3 * Math.sin(index / 20));
    const goal = { targetLufs: -16, maxTruePeakDb: -1, sampleCount: 60_000 };
    await writeMastered({ sampleRateHz: 48_000, channels: [tone] }, 'm4a', soundPath, goal, { ffmpegPath });
    await muxFilm({ ffmpegPath, filmPath, soundPath, outputPath });
    server = createServer((request, response) => {
      const film = request.url === '/film.mp4';
      response.setHeader('content-type', film ? 'video/mp4' : 'text/html');
      response.end(film ? readFileSync(outputPath) : '<video src="/film.mp4" muted></video>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }, 300_000);
  afterAll(() => {
    server?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('plays to its end with sound', { timeout: 120_000 }, async () => {
    const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      // Written as text: it runs in the page, where this project's types do not.
      const seen = await page.evaluate<Record<string, number>>(`new Promise((resolve, reject) => {
        const video = document.querySelector('video');
        video.onerror = () => reject(new Error(video.error.message));
        video.onended = () => resolve({
          width: video.videoWidth, height: video.videoHeight, duration: video.duration,
          frames: video.getVideoPlaybackQuality().totalVideoFrames, soundBytes: video.webkitAudioDecodedByteCount,
        });
        video.play();
      })`);
      expect(seen).toMatchObject({ width: 320, height: 180 });
      expect(seen['duration']).toBeCloseTo(1.25, 1);
      expect(seen['frames']).toBeGreaterThan(10);
      expect(seen['soundBytes']).toBeGreaterThan(1000);
    } finally {
      await browser.close();
    }
  });
});
