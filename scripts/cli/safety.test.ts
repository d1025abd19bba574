import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from './main.js';

let folder: string;
let out: string[];
let errors: string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zsky-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  out = [];
  errors = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void errors.push(text));
});
afterEach(() => vi.restoreAllMocks());

describe('zsky-node safety', () => {
  test('allows an innocent prompt: status 0', async () => {
    expect(await main(['safety', 'prompt', 'a nude-coloured lipstick'])).toBe(0);
    expect(out).toEqual(['allowed']);
  });

  test('refuses a prompt and says why: status 1', async () => {
    expect(await main(['safety', 'prompt', 'a n.u.d.e woman'])).toBe(1);
    expect(out[0]).toMatch(/^refused {4}sexual\nfound by {3}word list, score 1\.00\ntold {7}Sorry/u);
    expect(await main(['safety', 'prompt', 'a woman reading', '--negative', 'clothes', '--json'])).toBe(1);
    expect(JSON.parse(out[1])).toMatchObject({
      allowed: false,
      category: 'sexual',
      layer: 'negative prompt',
    });
  });

  test('looks at a picture: status 0', async () => {
    const file = join(folder, 'sky.png');
    await sharp({ create: { width: 300, height: 200, channels: 3, background: '#88bbee' } }).toFile(file);
    expect(await main(['safety', 'image', file])).toBe(0);
    expect(out[0]).toMatch(/^allowed\nfound by {3}whole picture, score 0\.\d\d\nclasses {4}drawing 0\.\d\d/u);
  });

  test('says when it could not check: status 2', async () => {
    const file = join(folder, 'text.png');
    writeFileSync(file, 'no picture');
    expect(await main(['safety', 'image', file])).toBe(2);
    expect(errors[0]).toContain('[FILE_UNREADABLE]');
    expect(await main(['safety', 'prompt', 'a house', '--policy', folder])).toBe(2);
    expect(errors[1]).toMatch(/policy\.json.*\[CONFIG_INVALID\]\nCompare it with/su);
    for (const wrong of [['safety'], ['safety', 'sound', 'x'], ['safety', 'prompt', 'x', '--loud']]) {
      expect(await main(wrong)).toBe(2);
    }
    expect(out).toEqual([]);
  });
});
