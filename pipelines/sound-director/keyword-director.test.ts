import { describe, expect, it } from 'vitest';
import { planSound } from './keyword-director.js';
import { SOUND_CLASSES } from './plan.js';
import { speechLines } from './speech-lines.js';

const sounds = (prompt: string): string[] => planSound(prompt).layers.map(({ sound }) => sound);

describe('planSound', () => {
  it.each([
    ['A solitary lighthouse beam sweeping across choppy black sea, cinematic', ['waves', 'wind']],
    ['A neon-lit alley in Tokyo at dusk, photorealistic', ['traffic']],
    ['a thunderstorm over a village', ['rain', 'thunder', 'wind']],
    ['crackling campfire in the woods at night', ['fire', 'birds', 'wind']],
    ['an old church on a hill', ['bells', 'wind']],
    ['a woman walking through the snow', ['footsteps', 'wind']],
    ['two musicians in a cafe', ['chords', 'room']],
    ['rain on a tin roof', ['rain']],
    ['fireflies over a pond', ['crickets', 'waves']],
  ])('%s', (prompt, wanted) => {
    expect(sounds(prompt)).toEqual(wanted);
  });

  it('puts the loudest first at 0 dB', () => {
    for (const prompt of ['a ship at sea', 'cars in the rain', 'birds in a quiet forest']) {
      const levels = planSound(prompt).layers.map(({ levelDb }) => levelDb);
      expect(levels[0]).toBe(0);
      expect([...levels].sort((a, b) => b - a)).toEqual(levels);
    }
  });

  it('leaves out what the prompt denies', () => {
    expect(sounds('a city street without traffic, in the rain')).toEqual(['rain']);
    expect(sounds('a forest with no birds')).not.toContain('birds');
  });

  it.each([
    'a child waves goodbye',
    'a bowl of bell peppers',
    'a rainbow over nothing',
    'a red apple on a table',
  ])('gives quiet room tone where nothing sounds: %s', (prompt) => {
    const plan = planSound(prompt);
    expect(plan.quiet).toBe(true);
    expect(plan.layers).toEqual([{ sound: 'room', prompt: 'room tone', levelDb: 0 }]);
  });

  it('passes strength on', () => {
    expect(planSound('choppy sea').layers[0].prompt).toBe('strong ocean waves');
    expect(planSound('a calm sea').layers[0].prompt).toBe('soft ocean waves');
    expect(planSound('a calm sea after a violent night').layers[0].prompt).toBe('ocean waves');
  });

  it('reaches every sound', () => {
    for (const sound of SOUND_CLASSES) {
      const word = sound === 'room' ? 'an empty room' : sound;
      expect(sounds(word)[0]).toBe(sound);
    }
  });
});

describe('speechLines', () => {
  it.each([
    [`a voice says 'Welcome home' over the sea`, ['Welcome home']],
    [`a man whispers "don't go", then leaves`, ["don't go"]],
    [`a voice says 'don't go'`, ["don't go"]],
    [`“Land ahoy!” shouts the sailor`, ['Land ahoy!']],
    [`the narrator says "one" and "two"`, ['one', 'two']],
    [`a neon sign that says "OPEN"`, []],
    [`a shirt reading 'I love rock'`, []],
    [`the ship "Aurora" at sea`, []],
    [`the dog's ball and the cat's toy`, []],
    [`a voice says ''`, []],
    [`a voice says 'unclosed`, []],
  ])('%s', (prompt, wanted) => {
    expect(speechLines(prompt)).toEqual(wanted);
  });

  it('does not take spoken words for sounds', () => {
    const plan = planSound(`a voice says 'the rain has stopped' on a beach`);
    expect(plan.layers.map(({ sound }) => sound)).toEqual(['waves', 'wind']);
    expect(plan.speech).toEqual(['the rain has stopped']);
    expect(plan.quiet).toBe(false);
  });
});
