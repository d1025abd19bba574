import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import { openPack } from '../../models/pack/pack.js';
import { RunMeter } from '../../models/run-meter.js';
import type { AudioPipeline, PipelineObserver } from '../../pipelines/pipeline.js';
import { keywordDirector } from '../../pipelines/sound-director/keyword-director.js';
import { VitsPipeline } from '../../pipelines/speech/vits-pipeline.js';
import { openStableAudio } from '../../pipelines/stable-audio/stable-audio-pipeline.js';
import { approvePrompt, Blocked, type ApprovedPrompt } from '../../safety/gate.js';
import { createPromptChecker, type PromptChecker } from '../../safety/prompt/prompt-checker.js';
import { prepareSafetyModels } from '../../scripts/setup/safety-models.js';
import { prepareVoice } from '../../scripts/setup/speech.js';
import { makeSound } from './make-sound.js';

const CPU = { device: 'cpu', threads: 1 } as const;
const QUIET: PipelineObserver = { progress: async () => undefined };

describe('makeSound with tiny sound graphs and a real voice', () => {
  let audio: AudioPipeline;
  let voice: VitsPipeline;
  let prompts: PromptChecker;
  const approved = (prompt: string): Promise<ApprovedPrompt> =>
    approvePrompt((input) => prompts.check(input), prompt);
  beforeAll(async () => {
    const pack = await openPack(join(PROJECT_ROOT, 'tests/fixtures/tiny-stable-audio'), {
      verifyDigests: false,
    });
    audio = await openStableAudio(pack, CPU);
    voice = await VitsPipeline.load(await prepareVoice(() => undefined), CPU, new RunMeter());
    const modelsDir = await prepareSafetyModels(() => undefined);
    prompts = await createPromptChecker({ modelsDir, meter: new RunMeter() });
  }, 300_000);
  afterAll(async () => {
    await audio.release();
    await voice.release();
  });

  const energy = (channel: Float32Array): number =>
    Math.sqrt(channel.reduce((sum, sample) => sum + sample ** 2, 0) / channel.length);

  it('makes exactly the asked samples, the same for the same seed, and tells how far it is', async () => {
    const told: string[] = [];
    const observer: PipelineObserver = {
      progress: async (stage, step, steps) => {
        told.push(stage);
        expect(step).toBeLessThanOrEqual(steps);
      },
    };
    const tools = { audio, voice, director: keywordDirector, prompts };
    const first = await makeSound(tools, await approved('choppy sea in the rain'), 60_001, 5, observer);
    expect(first.sound.channels.map((channel) => channel.length)).toEqual([60_001, 60_001]);
    expect(first.targetLufs).toBe(-16);
    expect(new Set(told)).toEqual(new Set(['sound']));
    expect(await makeSound(tools, await approved('choppy sea in the rain'), 60_001, 5, QUIET)).toEqual(first);
    expect(
      (await makeSound(tools, await approved('choppy sea in the rain'), 60_001, 6, QUIET)).sound,
    ).not.toEqual(first.sound);
  });

  it('speaks quoted words over the scene', async () => {
    const tools = { audio, voice, director: keywordDirector, prompts };
    const { sound } = await makeSound(
      tools,
      await approved("a voice says 'land ahoy' over the sea"),
      48_000 * 4,
      5,
      QUIET,
    );
    const [left] = sound.channels;
    // The line starts at 0.35 s and lasts about a second.
    expect(energy(left.subarray(24_000, 48_000))).toBeGreaterThan(1.2 * energy(left.subarray(48_000 * 3)));
  });

  it('masters room tone far below other scenes', async () => {
    const tools = { audio, voice, director: keywordDirector, prompts };
    expect((await makeSound(tools, await approved('a red apple'), 48_000, 5, QUIET)).targetLufs).toBeLessThan(
      -30,
    );
  });

  it('says what is missing', async () => {
    const without = { audio: undefined, voice: undefined, director: keywordDirector, prompts };
    await expect(makeSound(without, await approved('rain'), 48_000, 5, QUIET)).rejects.toMatchObject({
      code: 'KIND_UNSUPPORTED',
    });
    const mute = { audio, voice: undefined, director: keywordDirector, prompts };
    await expect(
      makeSound(mute, await approved("a voice says 'hello'"), 48_000, 5, QUIET),
    ).rejects.toMatchObject({
      code: 'KIND_UNSUPPORTED',
    });
  });

  it('hands the voice exactly the words that the prompt check saw', async () => {
    const said: string[] = [];
    const listening = {
      speak: (request: { text: string }) => (said.push(request.text), voice.speak(request)),
    };
    const tools = { audio, voice: listening as unknown as VitsPipeline, director: keywordDirector, prompts };
    await makeSound(
      tools,
      await approved("a man says “Land, ahoy!” and whispers 'it is 5 o’clock'"),
      48_000 * 6,
      5,
      QUIET,
    );
    expect([...new Set(said)]).toEqual(['Land, ahoy!', 'it is 5 o’clock']);
  });

  it('speaks nothing that a director made up', async () => {
    const said: string[] = [];
    const listening = {
      speak: (request: { text: string }) => (said.push(request.text), voice.speak(request)),
    };
    const inventive = (line: string) => ({
      plan: async (prompt: string) => ({ ...(await keywordDirector.plan(prompt)), speech: ['hello', line] }),
    });
    const prompt = await approved("a voice says 'hello' over the sea");
    for (const line of ['hello there', 'Hello', 'hel lo']) {
      const tools = {
        audio,
        voice: listening as unknown as VitsPipeline,
        director: inventive(line),
        prompts,
      };
      await expect(makeSound(tools, prompt, 48_000, 5, QUIET)).rejects.toMatchObject({
        code: 'CHECK_UNAVAILABLE',
      });
    }
    expect(said).toEqual([]);
  });

  it('checks a line by itself, however innocent what surrounds it', async () => {
    const lenient = await approvePrompt(
      async () => ({ allowed: true }),
      "a voice says 'a naked woman' over the sea",
    );
    const tools = { audio, voice, director: keywordDirector, prompts };
    await expect(makeSound(tools, lenient, 48_000, 5, QUIET)).rejects.toBeInstanceOf(Blocked);
  });
});
