import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AudioRequest } from '../../core/messages.js';
import type { AudioPipeline, PipelineObserver } from '../../pipelines/pipeline.js';
import { approveOutput, approvePrompt, mark, release } from '../../safety/gate.js';
import { decodeAudio, SOUND_TYPES, writeMastered } from '../media/encode-audio.js';
import { findFfmpeg } from '../media/find-ffmpeg.js';
import { MASTER_RATE_HZ } from '../media/loudness.js';
import { expectSound, probeMedia } from '../media/probe.js';
import { makeSound } from './make-sound.js';
import type { MediaMarks } from './media-marks.js';
import type { Produced } from './produced.js';
import type { ExecutorTools } from './tools.js';

const MAX_TRUE_PEAK_DB = -1;

/**
 * The story of a sound: prompt check, director and sound graphs, watermark, mastering into the asked format, probe,
 * manifest, the watermark read back from the decoded file, release. Nothing listens to the sound: its graphs make no
 * speech, and the voice takes only lines that the gate approved.
 * @throws Blocked, Cancelled, and any NodeError of its steps
 */
export async function produceAudio(
  tools: ExecutorTools,
  pipeline: AudioPipeline,
  marks: MediaMarks,
  request: AudioRequest,
  scratchDir: string,
  observer: PipelineObserver,
): Promise<Produced[]> {
  const ffmpegPath = findFfmpeg({ setting: tools.ffmpeg });
  await observer.progress('prompt-check', 0, 1);
  const prompt = await approvePrompt((input) => tools.prompts.check(input), request.prompt);

  const sampleCount = Math.round((request.durationMs / 1000) * MASTER_RATE_HZ);
  const mixed = await makeSound(tools, prompt, sampleCount, request.seed, observer);
  const approved = await approveOutput(prompt, mixed.sound, async () => ({ allowed: true }));
  await observer.progress('watermark', 0, 1);
  const marked = mark(approved, marks.payload, (sound) => marks.sound.embed(sound));

  const path = join(scratchDir, `sound.${request.format}`);
  try {
    await observer.progress('encode', 0, 2);
    const goal = { targetLufs: mixed.targetLufs, maxTruePeakDb: MAX_TRUE_PEAK_DB, sampleCount };
    await writeMastered(marked.value.media, request.format, path, goal, { ffmpegPath });
    await observer.progress('encode', 1, 2);
    const probe = await probeMedia(path, ffmpegPath);
    expectSound(probe, request.durationMs);

    await observer.progress('read-back', 0, 1);
    const facts = {
      contentType: SOUND_TYPES[request.format],
      durationMs: request.durationMs,
      sampleRateHz: MASTER_RATE_HZ,
    };
    const source = await tools.credentials.sign({ type: 'file', path }, facts.contentType, {
      pack: pipeline.pack.id,
      watermark: marks.payload,
    });
    const released = await release(marked, source, facts, async () =>
      marks.sound.find(await decodeAudio(path, { ffmpegPath })),
    );
    return [{ part: 'result', released }];
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
