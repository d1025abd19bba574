import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { leavesOf } from './leaves.js';
import { loadSettings } from './load.js';
import { settingsSchema } from './settings.js';

const file = (value: unknown) => {
  const path = join(mkdtempSync(join(tmpdir(), 'settings-')), 'zsky.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};

describe('settings', () => {
  test('the environment wins over the file, the file over defaults', () => {
    const settings = loadSettings({
      ZSKY_CONFIG: file({ api: { port: 9000, host: '0.0.0.0' } }),
      ZSKY_API_PORT: '9001',
      ZSKY_DAEMON_PACKS: 'a, b',
      ZSKY_LOG_PRETTY: 'true',
    });
    expect(settings.api).toMatchObject({ port: 9001, host: '0.0.0.0' });
    expect(settings.daemon.packs).toEqual(['a', 'b']);
    expect(settings.log).toEqual({ level: 'info', pretty: true });
    expect(settings.broker.port).toBe(4222);
  });

  test.each([
    ['an unknown variable', { ZSKY_API_PROT: '1' }, /no setting ZSKY_API_PROT/],
    ['an unknown key', { ZSKY_CONFIG: file({ api: { prot: 1 } }) }, /api: .*prot/],
    ['a wrong type', { ZSKY_API_PORT: 'many' }, /api\.port/],
    ['a file that is not JSON', { ZSKY_CONFIG: file('{') }, /is not JSON/],
    ['a missing file', { ZSKY_CONFIG: '/nowhere/zsky.json' }, /cannot be read/],
  ])('refuses %s by name', (_what, env, message) => {
    expect(() => loadSettings(env)).toThrow(message);
  });

  test('every setting is described and has its own variable', () => {
    const leaves = leavesOf(settingsSchema);
    expect(leaves.filter((leaf) => leaf.description === '')).toEqual([]);
    expect(new Set(leaves.map((leaf) => leaf.env)).size).toBe(leaves.length);
    expect(leaves.find((leaf) => leaf.env === 'ZSKY_STORAGE_S3_SECRET_ACCESS_KEY')?.secret).toBe(true);
  });
});
