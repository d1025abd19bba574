import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader } from '@contentauth/c2pa-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import type { JobMessage } from '../../core/messages.js';
import { openPack } from '../../models/pack/pack.js';
import { RunMeter } from '../../models/run-meter.js';
import { Cancelled } from '../../pipelines/cancelled.js';
import { openLtx } from '../../pipelines/ltx/ltx-pipeline.js';
import { resizeExactly } from '../../pipelines/exact-size.js';
import type { PipelineObserver, VideoPipeline } from '../../pipelines/pipeline.js';
import { keywordDirector } from '../../pipelines/sound-director/keyword-director.js';
import { VitsPipeline } from '../../pipelines/speech/vits-pipeline.js';
import { openStableAudio } from '../../pipelines/stable-audio/stable-audio-pipeline.js';
import { openCredentialSigner } from '../../safety/credentials/credential-signer.js';
import { developmentCertificate } from '../../safety/credentials/development-certificate.js';
import type { SigningIdentity } from '../../safety/credentials/signing-identity.js';
import { createOutputChecker } from '../../safety/output/output-checker.js';
import { createPromptChecker } from '../../safety/prompt/prompt-checker.js';
import { FilmReader } from '../../safety/watermark/film.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { prepareFfmpeg } from '../../scripts/setup/ffmpeg.js';
import { prepareSafetyModels } from '../../scripts/setup/safety-models.js';
import { prepareVoice } from '../../scripts/setup/speech.js';
import { decodeAudio } from '../media/encode-audio.js';
import { integratedLoudness, truePeakDb } from '../media/loudness.js';
import { expectFilm, probeMedia } from '../media/probe.js';
import { readFrames } from '../media/read-frames.js';
import { produce } from './produce.js';
import type { ExecutorTools } from './tools.js';

/** A signer's identity that is thrown away. */
function developmentIdentity(): SigningIdentity {
  return { ...developmentCertificate(), name: 'a test' };
}

/** What the public C2PA library says of a file: as it is, and with one bit of its samples flipped. */
async function credentialStates(path: string, mimeType: string): Promise<string[]> {
  const bytes = readFileSync(path);
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(0.8 * bytes.length)] ^= 1;
  const readers = await Promise.all([bytes, flipped].map((buffer) => Reader.fromAsset({ buffer, mimeType })));
  return readers.map((reader) => String((reader?.json() as { validation_state?: unknown }).validation_state));
}

const CPU = { device: 'cpu', threads: 1 } as const;
const QUIET: PipelineObserver = { progress: async () => undefined };
const JOB_ID = '0123456789abcdef0123456789abcdef';

/**
 * The tiny film pack compresses by 4 instead of 32, so films of a useful size would have tens of thousands of
 * tokens: it makes 64x64, and its frames are enlarged to what was asked.
 */
function enlarged(tiny: VideoPipeline): VideoPipeline {
  return {
    kind: 'video',
    pack: tiny.pack,
    meter: tiny.meter,
    needsKeyframe: false,
    release: () => tiny.release(),
    generate: async (request, observer) => {
      const film = await tiny.generate({ ...request, width: 64, height: 64, steps: 4 }, observer);
      const { width, height } = request;
      async function* frames() {
        for await (const frame of film.frames) yield await resizeExactly(frame, width, height);
      }
      return { ...film, width, height, frames: frames() };
    },
  };
}

/** The whole road of films and sounds with tiny random graphs and the real checks, marks, voice and ffmpeg. */
describe('produce', () => {
  let tools: ExecutorTools;
  let ffmpegPath: string;
  let scratch: string;
  beforeAll(async () => {
    ffmpegPath = await prepareFfmpeg(() => undefined);
    const modelsDir = await prepareSafetyModels(() => undefined);
    const safetyMeter = new RunMeter();
    const fixture = (name: string) =>
      openPack(join(PROJECT_ROOT, 'tests/fixtures', name), { verifyDigests: false });
    tools = {
      image: undefined,
      video: enlarged(await openLtx(await fixture('tiny-ltx'), CPU)),
      audio: await openStableAudio(await fixture('tiny-stable-audio'), CPU),
      voice: await VitsPipeline.load(await prepareVoice(() => undefined), CPU, safetyMeter),
      director: keywordDirector,
      prompts: await createPromptChecker({ modelsDir, meter: safetyMeter }),
      outputs: await createOutputChecker({ modelsDir, meter: safetyMeter }),
      safetyMeter,
      nodeId: 'test-node',
      watermarkKey: new TextEncoder().encode('a key for tests'),
      ffmpeg: ffmpegPath,
      encoder: 'x264',
      credentials: await openCredentialSigner(developmentIdentity()),
    };
  }, 600_000);
  afterAll(async () => {
    await tools?.video?.release();
    await tools?.audio?.release();
  });
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'produce-film-'));
  });
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  const job = (request: JobMessage['request']): JobMessage => ({
    version: 1,
    jobId: JOB_ID,
    submittedAt: new Date(0).toISOString(),
    expiresAt: new Date(0).toISOString(),
    request,
    delivery: { mode: 'store' },
  });
  const film = (prompt: string, width = 257, height = 299) =>
    job({ kind: 'video', prompt, width, height, length: 26, seed: 4 });
  const payload = toHex(payloadFor('test-node', JOB_ID));

  it('makes a film as asked, marked in every frame, with its poster, and leaves nothing else', async () => {
    const stages: string[] = [];
    const observer: PipelineObserver = {
      progress: async (stage) => {
        if (stages.at(-1) !== stage) stages.push(stage);
      },
    };
    const produced = await produce(tools, film('rain on a choppy sea'), scratch, observer);
    expect(produced.map(({ part }) => part)).toEqual(['result', 'poster']);
    const [result, poster] = produced.map(({ released }) => released);
    expect(result.facts).toMatchObject({
      contentType: 'video/mp4',
      width: 256,
      height: 298,
      frames: 26,
      framesPerSecond: 24,
      sampleRateHz: 48_000,
      watermark: payload,
    });
    expect(poster.facts).toMatchObject({
      contentType: 'image/webp',
      width: 256,
      height: 298,
      watermark: payload,
    });
    expect(stages).toEqual(['prompt-check', 'text', 'denoise', 'decode', 'sound', 'encode', 'read-back']);
    expect(readdirSync(scratch)).toEqual(['film.mp4']);

    const path = join(scratch, 'film.mp4');
    expectFilm(await probeMedia(path, ffmpegPath), {
      width: 256,
      height: 298,
      frames: 26,
      framesPerSecond: 24,
    });
    const reader = new FilmReader(tools.watermarkKey);
    await readFrames(path, { ffmpegPath, width: 256, height: 298, every: 5 }, (frame) => reader.add(frame));
    expect(reader.read('as-made')).toMatchObject({ found: true, payload });
    expect(await credentialStates(path, 'video/mp4')).toEqual(['Valid', 'Invalid']);
    const heard = await decodeAudio(path, { ffmpegPath });
    expect(Math.abs(integratedLoudness(heard) + 16)).toBeLessThan(0.5);
    expect(truePeakDb(heard)).toBeLessThanOrEqual(-1);
  });

  for (const format of ['wav', 'flac', 'm4a'] as const) {
    it(`makes a sound as ${format} and reads its mark back`, async () => {
      const request = { kind: 'audio', prompt: 'rain and wind', durationMs: 1500, format, seed: 3 } as const;
      const [{ released }] = await produce(tools, job(request), scratch, QUIET);
      expect(released.facts).toMatchObject({ durationMs: 1500, sampleRateHz: 48_000, watermark: payload });
      expect(readdirSync(scratch)).toEqual([`sound.${format}`]);
      const path = join(scratch, `sound.${format}`);
      expect(await credentialStates(path, released.facts.contentType)).toEqual(['Valid', 'Invalid']);
    });
  }

  it('stops at a refused prompt before anything is made', async () => {
    await expect(produce(tools, film('hardcore porn'), scratch, QUIET)).rejects.toMatchObject({
      name: 'Blocked',
    });
    expect(tools.video?.meter.runs).toBeGreaterThan(0);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('leaves no file behind when cancelled while frames flow', async () => {
    const observer: PipelineObserver = {
      progress: async (stage, step) => {
        if (stage === 'decode' && step === 12) throw new Cancelled();
      },
    };
    await expect(produce(tools, film('rain'), scratch, observer)).rejects.toBeInstanceOf(Cancelled);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('fails typed and leaves no file when ffmpeg dies at the mux', async () => {
    const wrapper = join(scratch, 'ffmpeg');
    writeFileSync(
      wrapper,
      `#!/bin/sh\ncase "$*" in *silent.mp4*sound.m4a*) kill -9 $$;; esac\nexec ${ffmpegPath} "$@"\n`,
    );
    chmodSync(wrapper, 0o755);
    await expect(produce({ ...tools, ffmpeg: wrapper }, film('rain'), scratch, QUIET)).rejects.toMatchObject({
      code: 'FFMPEG_FAILED',
    });
    expect(readdirSync(scratch)).toEqual(['ffmpeg']);
  });

  it('fails typed and leaves no file when the sound graphs fail', async () => {
    const audio = { ...tools.audio, generate: () => Promise.reject(new Error('the sound graph broke')) };
    await expect(
      produce({ ...tools, audio: audio as unknown as ExecutorTools['audio'] }, film('rain'), scratch, QUIET),
    ).rejects.toThrow('the sound graph broke');
    expect(readdirSync(scratch)).toEqual([]);
  });
});
