import { describe, expect, test } from 'vitest';
import type { Released } from '../core/released.js';
import type { ResultStore } from '../core/storage/store.js';
import {
  admit,
  approveOutput,
  approvePrompt,
  Blocked,
  issuePass,
  mark,
  release,
  type ApprovedPrompt,
} from './gate.js';

const DATA = new TextEncoder().encode('a picture');
const FACTS = { contentType: 'image/webp', width: 1, height: 1 };
const allow = async () => ({ allowed: true }) as const;
const broken = async (): Promise<never> => Promise.reject(new Error('the model file is damaged'));

async function marked() {
  const prompt = await approvePrompt(allow, 'a house');
  const approved = await approveOutput(prompt, DATA, allow);
  return mark(approved, 'aa', (data) => data);
}
const released = async (): Promise<Released> =>
  release(await marked(), { type: 'memory', data: DATA }, FACTS, async () => 'aa');

describe('the gate', () => {
  test('lets nothing through when a check cannot run', async () => {
    await expect(approvePrompt(broken, 'a house')).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
    const prompt = await approvePrompt(allow, 'a house');
    await expect(approveOutput(prompt, DATA, broken)).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
  });

  test('stops what a check refuses, with its reason', async () => {
    const refuse = async () =>
      ({ allowed: false, category: 'sexual', layer: 'list', score: 1, reason: 'not allowed' }) as const;
    await expect(approvePrompt(refuse, 'x')).rejects.toMatchObject({
      refusal: { where: 'prompt', category: 'sexual', reason: 'not allowed' },
    });
    const prompt = await approvePrompt(allow, 'a house');
    await expect(approveOutput(prompt, DATA, refuse)).rejects.toBeInstanceOf(Blocked);
  });

  test.each([
    ['no watermark is found', async () => undefined],
    ['another watermark is found', async () => 'bb'],
  ])('releases nothing when %s in the encoded bytes', async (_what, readBack) => {
    const attempt = release(await marked(), { type: 'memory', data: DATA }, FACTS, readBack);
    await expect(attempt).rejects.toMatchObject({ code: 'WATERMARK_UNREADABLE' });
  });

  test('hands a release to the supervisor only with an untouched seal', async () => {
    const pass = issuePass(await released(), 'key');
    expect(admit(pass, 'key').facts.bytes).toBe(DATA.length);
    const forged = { ...pass, facts: { ...pass.facts, sha256: '0'.repeat(64) } };
    for (const [what, key] of [
      [forged, 'key'],
      [pass, 'another key'],
      [{}, 'key'],
      [undefined, 'key'],
    ] as const) {
      expect(() => admit(what, key)).toThrow(expect.objectContaining({ code: 'RELEASE_MISMATCH' }));
    }
  });

  test('is a type: leaving a step out does not compile', () => {
    const neverRun = async (store: ResultStore, prompt: ApprovedPrompt) => {
      // @ts-expect-error bytes that were not released cannot be stored
      await store.put('key', {
        facts: { ...FACTS, bytes: 1, sha256: '', watermark: '' },
        source: { type: 'memory', data: DATA },
      });
      // @ts-expect-error a prompt's approval is not an output's
      mark(prompt, 'aa', () => DATA);
    };
    expect(neverRun).toBeTypeOf('function');
  });
});
