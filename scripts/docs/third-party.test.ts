import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CACHE_DIR, PROJECT_ROOT } from '../../core/paths.js';

const page = readFileSync(join(PROJECT_ROOT, 'docs', 'third-party.md'), 'utf8');
const read = (...path: string[]): string => readFileSync(join(PROJECT_ROOT, ...path), 'utf8');

test('the page of third-party parts has the digest of every safety model', () => {
  const { files } = JSON.parse(readFileSync(join(CACHE_DIR, 'safety', 'models.json'), 'utf8'));
  const models = Object.entries<string>(files).filter(([name]) => !name.endsWith('.LICENSE'));
  expect(models.length).toBeGreaterThan(5);
  for (const [name, digest] of models)
    expect(page, name).toMatch(new RegExp(`safety/${name}.*${digest}`, 'u'));
});

test('the page names every package that set-up pins', () => {
  const pinned = ['safety-models.ts', 'speech.ts', 'ffmpeg.ts'].flatMap((file) => [
    ...read('scripts', 'setup', file).matchAll(/name: '([^']+)',\s+version: '([^']+)'/gu),
  ]);
  expect(pinned.length).toBeGreaterThan(4);
  for (const [, name, version] of pinned) expect(page).toContain(`npm \`${name}\` ${version}`);
});

test('the page has every package that the node runs with, in its version', () => {
  const { dependencies, optionalDependencies } = JSON.parse(read('package.json'));
  for (const [name, version] of Object.entries<string>({ ...dependencies, ...optionalDependencies }))
    expect(page).toContain(`| ${name} | ${version} |`);
});
