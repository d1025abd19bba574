import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from './find-ffmpeg.js';

const home = mkdtempSync(join(tmpdir(), 'find-ffmpeg-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function fakeProgram(folder: string): string {
  mkdirSync(join(home, folder), { recursive: true });
  const path = join(home, folder, 'ffmpeg');
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

const nowhere = join(home, 'nowhere');

describe('findFfmpeg', () => {
  it('takes the setting before everything else', () => {
    const setting = fakeProgram('setting');
    const searchPath = join(fakeProgram('path'), '..');
    expect(findFfmpeg({ setting, searchPath })).toBe(setting);
  });

  it('does not fall back when the setting is wrong', () => {
    const searchPath = join(fakeProgram('path'), '..');
    expect(() => findFfmpeg({ setting: nowhere, searchPath })).toThrow(
      expect.objectContaining({ code: 'FFMPEG_MISSING' }),
    );
  });

  it('prefers the search path to the cache', () => {
    const onPath = fakeProgram('path');
    const cached = fakeProgram('cache');
    expect(findFfmpeg({ searchPath: `${nowhere}:${join(onPath, '..')}`, cached })).toBe(onPath);
    expect(findFfmpeg({ searchPath: nowhere, cached })).toBe(cached);
  });

  it('names the install line when there is none', () => {
    expect(() => findFfmpeg({ searchPath: nowhere, cached: nowhere })).toThrow(
      expect.objectContaining({ code: 'FFMPEG_MISSING', hint: expect.stringContaining('zsky-node setup') }),
    );
  });
});
