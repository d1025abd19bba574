import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { Stage, VideoRequest } from '../../core/messages.js';
import type { Released } from '../../core/released.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import type { ImagePipeline, PipelineObserver, VideoPipeline } from '../../pipelines/pipeline.js';
import { approveOutput, approvePrompt, mark, release, type ApprovedPrompt } from '../../safety/gate.js';
import { writeMastered } from '../media/encode-audio.js';
import { encodeFilm, filmSize, usableCodec } from '../media/film-encoder.js';
import { findFfmpeg } from '../media/find-ffmpeg.js';
import { MASTER_RATE_HZ } from '../media/loudness.js';
import { muxFilm } from '../media/mux.js';
import { expectFilm, probeMedia } from '../media/probe.js';
import { readFrames } from '../media/read-frames.js';
import { FrameSampler } from './film-frames.js';
import { makeSound } from './make-sound.js';
import type { MediaMarks } from './media-marks.js';
import { releasePicture } from './release-picture.js';
import type { Produced } from './produced.js';
import type { ExecutorTools } from './tools.js';

const MAX_TRUE_PEAK_DB = -1;
/** The mark is the same in every frame, so a few a second tell as much as all of them. */
const READ_BACK_EVERY = 6;

/** Lets one stage stand for all the stages of a pipeline that serves another. */
const as = (stage: Stage, observer: PipelineObserver): PipelineObserver => ({
  progress: (_, step, steps) => observer.progress(stage, step, steps),
});

/**
 * The story of a film: prompt check, frames out of the pipeline one by one through output check and watermark into
 * the encoder, sound, mux, probe, manifest, the watermark read back from the signed file, release. Frames are never collected: what
 * is in memory is one window of the decoder and the frame on its way.
 * @throws Blocked, Cancelled, and any NodeError of its steps
 */
export async function produceVideo(
  tools: ExecutorTools,
  pipeline: VideoPipeline,
  marks: MediaMarks,
  request: VideoRequest,
  scratchDir: string,
  observer: PipelineObserver,
): Promise<Produced[]> {
  const ffmpegPath = findFfmpeg({ setting: tools.ffmpeg });
  await observer.progress('prompt-check', 0, 1);
  const prompt = await approvePrompt((input) => tools.prompts.check(input), request.prompt);

  const { width, height } = filmSize(request.width, request.height);
  const keyframe = pipeline.needsKeyframe
    ? await makeKeyframe(tools, prompt, { ...request, width, height }, observer)
    : undefined;
  const film = await pipeline.generate({ ...request, width, height, keyframe }, observer);

  const silentPath = join(scratchDir, 'silent.mp4');
  const soundPath = join(scratchDir, 'sound.m4a');
  const path = join(scratchDir, 'film.mp4');
  try {
    const frames = new CheckedFrames(tools, prompt, marks, film.frameCount, film.framesPerSecond);
    await encodeFilm(frames.pass(film.frames), silentPath, {
      ...{ ffmpegPath, width, height, framesPerSecond: film.framesPerSecond },
      codec: await usableCodec(tools.encoder, ffmpegPath),
    });

    await observer.progress('sound', 0, 1);
    const sampleCount = Math.round((film.frameCount / film.framesPerSecond) * MASTER_RATE_HZ);
    const { sound, targetLufs } = await makeSound(tools, prompt, sampleCount, request.seed, observer);

    await observer.progress('encode', 0, 3);
    const goal = { targetLufs, maxTruePeakDb: MAX_TRUE_PEAK_DB, sampleCount };
    await writeMastered(sound, 'm4a', soundPath, goal, { ffmpegPath });
    await observer.progress('encode', 1, 3);
    await muxFilm({ ffmpegPath, filmPath: silentPath, soundPath, outputPath: path });
    await observer.progress('encode', 2, 3);
    const asked = { width, height, frames: request.length, framesPerSecond: film.framesPerSecond };
    const probe = await probeMedia(path, ffmpegPath);
    expectFilm(probe, asked);

    await observer.progress('read-back', 0, 1);
    // Every sampled frame was approved on its way; the film as a whole is approved with them.
    const approved = await approveOutput(prompt, path, async () => frames.verdict());
    const marked = mark(approved, marks.payload, (file) => file);
    const credits = { pack: pipeline.pack.id, watermark: marks.payload };
    const source = await tools.credentials.sign({ type: 'file', path }, 'video/mp4', credits);
    const facts = {
      ...{ contentType: 'video/mp4', width, height, frames: request.length },
      framesPerSecond: film.framesPerSecond,
      durationMs: probe.video?.durationMs,
      sampleRateHz: MASTER_RATE_HZ,
    };
    const result = await release(marked, source, facts, () =>
      marks.film.find((visit) =>
        readFrames(path, { ffmpegPath, width, height, every: READ_BACK_EVERY }, visit),
      ),
    );
    return [
      { part: 'result', released: result },
      { part: 'poster', released: await frames.releasePoster(pipeline.pack.id) },
    ];
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await rm(silentPath, { force: true });
    await rm(soundPath, { force: true });
  }
}

/** The picture that a motion pack sets in motion, made by the node's picture pack and checked like any picture. */
async function makeKeyframe(
  tools: ExecutorTools,
  prompt: ApprovedPrompt,
  request: VideoRequest,
  observer: PipelineObserver,
): Promise<RgbImage> {
  const image: ImagePipeline | undefined = tools.image;
  if (image === undefined) {
    throw new NodeError(
      'KIND_UNSUPPORTED',
      'this film pack sets a picture in motion; the node has no picture pack',
    );
  }
  const { prompt: words, width, height, seed } = request;
  const picture = await generateExactly(image, { prompt: words, width, height, seed }, as('text', observer));
  await approveOutput(prompt, picture, (each) => tools.outputs.checkPicture(each));
  return picture;
}

/** Frames on their way to the encoder: sampled ones are checked, all are marked, the middle one becomes the poster. */
class CheckedFrames {
  private poster: RgbImage | undefined;
  private ended = false;

  constructor(
    private readonly tools: ExecutorTools,
    private readonly prompt: ApprovedPrompt,
    private readonly marks: MediaMarks,
    private readonly frameCount: number,
    private readonly framesPerSecond: number,
  ) {}

  /** @throws Blocked as soon as a sampled frame is refused */
  async *pass(frames: AsyncIterable<RgbImage>): AsyncGenerator<RgbImage> {
    const sampler = new FrameSampler(this.frameCount, Math.ceil(this.framesPerSecond / 2));
    let index = 0;
    for await (const frame of frames) {
      if (sampler.wants(frame)) {
        await approveOutput(this.prompt, frame, (each) => this.tools.outputs.checkPicture(each));
      }
      if (index === this.frameCount >> 1) this.poster = frame;
      index += 1;
      yield this.marks.film.embed(frame);
    }
    for (const frame of sampler.mostDifferent()) {
      await approveOutput(this.prompt, frame, (each) => this.tools.outputs.checkPicture(each));
    }
    this.ended = index === this.frameCount;
  }

  /** The film's own verdict: allowed once every frame has gone past. */
  verdict(): { readonly allowed: true } {
    if (!this.ended)
      throw new NodeError('CHECK_UNAVAILABLE', 'not every frame of the film was seen by the check');
    return { allowed: true };
  }

  /** The poster as a marked, released WebP. */
  async releasePoster(pack: string): Promise<Released> {
    const poster = this.poster;
    if (poster === undefined) throw new NodeError('ENCODE_FAILED', 'the film ended before its poster frame');
    const approved = await approveOutput(this.prompt, poster, (each) =>
      this.tools.outputs.checkPicture(each),
    );
    return releasePicture(this.tools, approved, this.marks, pack);
  }
}
