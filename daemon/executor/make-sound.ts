import { NodeError } from '../../core/errors.js';
import type { PcmAudio } from '../../core/media.js';
import type { AudioPipeline, PipelineObserver } from '../../pipelines/pipeline.js';
import type { SoundDirector } from '../../pipelines/sound-director/plan.js';
import type { VitsPipeline } from '../../pipelines/speech/vits-pipeline.js';
import { approveSpeech, type ApprovedPrompt, type ApprovedSpeech } from '../../safety/gate.js';
import type { PromptChecker } from '../../safety/prompt/prompt-checker.js';
import { MASTER_RATE_HZ } from '../media/loudness.js';
import { mixSound, type MixPart } from '../media/mix-sound.js';

/** What makes the sound of a film or of a sound job. */
export interface SoundTools {
  readonly audio: AudioPipeline | undefined;
  readonly voice: VitsPipeline | undefined;
  readonly director: SoundDirector;
  readonly prompts: PromptChecker;
}

/** A mixed sound before mastering, and how loud it should become. */
export interface MixedSound {
  readonly sound: PcmAudio;
  readonly targetLufs: number;
}

const USUAL_LUFS = -16;
/** Room tone at the usual loudness would be a hiss in the foreground. */
const QUIET_LUFS = -38;
const VOICE_DB = 4;
const AMBIENCE_UNDER_VOICE_DB = 11;
const FIRST_WORD_MS = 350;
const BETWEEN_LINES_MS = 450;

/** Spoken lines one after the other; a line that would run past the end is spoken faster, up to a limit. */
async function speak(
  lines: readonly ApprovedSpeech[],
  voice: VitsPipeline,
  durationMs: number,
): Promise<MixPart[]> {
  const available = durationMs - FIRST_WORD_MS - BETWEEN_LINES_MS * lines.length;
  const say = async (pace: number): Promise<PcmAudio[]> => {
    const spoken: PcmAudio[] = [];
    for (const { value } of lines) spoken.push(await voice.speak({ text: value, pace }));
    return spoken;
  };
  const lengthMs = (sound: PcmAudio): number => (1000 * sound.channels[0].length) / sound.sampleRateHz;
  let spoken = await say(1);
  const total = spoken.reduce((sum, sound) => sum + lengthMs(sound), 0);
  if (total > available) spoken = await say(Math.min(1.35, total / Math.max(1, available)));
  let startMs = FIRST_WORD_MS;
  return spoken.map((sound) => {
    const part = { sound, levelDb: VOICE_DB, startMs, duckOthersDb: AMBIENCE_UNDER_VOICE_DB };
    startMs += lengthMs(sound) + BETWEEN_LINES_MS;
    return part;
  });
}

/**
 * The sound of a prompt: the director's layers, each made by the sound graphs, and its spoken lines over them.
 * @throws Blocked and CHECK_UNAVAILABLE when a line may not be spoken
 * @throws KIND_UNSUPPORTED when a sound or voice is needed that this node has no pack for
 */
export async function makeSound(
  tools: SoundTools,
  prompt: ApprovedPrompt,
  sampleCount: number,
  seed: number,
  observer: PipelineObserver,
): Promise<MixedSound> {
  const plan = await tools.director.plan(prompt.value.prompt);
  if (tools.audio === undefined) {
    throw new NodeError('KIND_UNSUPPORTED', 'this node has no pack that makes sound');
  }
  const durationMs = (1000 * sampleCount) / MASTER_RATE_HZ;
  const parts: MixPart[] = [];
  for (const [index, layer] of plan.layers.entries()) {
    // The graphs' own stages are steps of this one.
    const within: PipelineObserver = {
      progress: (_, step, steps) =>
        observer.progress('sound', index * steps + step, (plan.layers.length + 1) * steps),
    };
    const request = { prompt: layer.prompt, durationMs: Math.ceil(durationMs), seed: seed + index };
    parts.push({ sound: await tools.audio.generate(request, within), levelDb: layer.levelDb });
  }
  if (plan.speech.length > 0) {
    if (tools.voice === undefined) {
      throw new NodeError('KIND_UNSUPPORTED', 'this node has no voice to speak the quoted words', {
        hint: 'Fetch one with: npx zsky-node setup',
      });
    }
    const lines: ApprovedSpeech[] = [];
    for (const line of plan.speech)
      lines.push(await approveSpeech((input) => tools.prompts.check(input), prompt, line));
    parts.push(...(await speak(lines, tools.voice, durationMs)));
  }
  return { sound: mixSound(parts, sampleCount), targetLufs: plan.quiet ? QUIET_LUFS : USUAL_LUFS };
}
