import { beforeAll, describe, expect, it } from 'vitest';
import { RunMeter } from '../../models/run-meter.js';
import { prepareVoice } from '../../scripts/setup/speech.js';
import { VitsPipeline } from './vits-pipeline.js';

describe('VitsPipeline with a real voice', () => {
  let voice: VitsPipeline;
  beforeAll(async () => {
    voice = await VitsPipeline.load(await prepareVoice(() => undefined), { device: 'cpu' }, new RunMeter());
  }, 300_000);

  it('speaks at a sensible pace and the same each time', async () => {
    const text = 'The sea is calm tonight, and the tide is full.';
    const first = await voice.speak({ text });
    const [samples] = first.channels;
    const seconds = samples.length / first.sampleRateHz;
    expect(seconds).toBeGreaterThan(1.8);
    expect(seconds).toBeLessThan(6);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    expect(peak).toBeGreaterThan(0.1);
    expect(peak).toBeLessThan(1.5);
    expect((await voice.speak({ text })).channels[0]).toEqual(samples);
  });

  it('takes longer for longer text and slower pace', async () => {
    const length = async (text: string, pace?: number): Promise<number> =>
      (await voice.speak({ text, pace })).channels[0].length;
    expect(await length('One two three four five six.')).toBeGreaterThan(await length('One two.'));
    expect(await length('One two three.', 0.7)).toBeGreaterThan((await length('One two three.')) * 1.2);
  });

  it('says words that no dictionary has', async () => {
    const { channels } = await voice.speak({ text: 'Zsky blorptang flibberwock 42.' });
    expect(channels[0].length).toBeGreaterThan(30_000);
  });
});
