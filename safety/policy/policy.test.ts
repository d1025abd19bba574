import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import { readPolicy } from './policy.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zsky-policy-'));
  cpSync(join(PROJECT_ROOT, 'safety', 'policy'), folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the tests break the file on purpose
function change(edit: (policy: any) => void): void {
  const path = join(folder, 'policy.json');
  const policy = JSON.parse(readFileSync(path, 'utf8'));
  edit(policy);
  writeFileSync(path, JSON.stringify(policy));
}

describe('the safety policy', () => {
  test('that comes with the node is valid, and every list has words', () => {
    const policy = readPolicy();
    for (const list of Object.values(policy.words)) expect(list.refuse.length).toBeGreaterThan(10);
    expect(policy.words.minors.sets.minor.length).toBeGreaterThan(50);
  });

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  test.each<[string, RegExp, (policy: any) => void]>([
    [
      'a threshold above 1',
      /categories\.sexual\.prompt\.meaning/u,
      (p) => (p.categories.sexual.prompt.meaning = 7),
    ],
    ['an unknown key', /Unrecognized key: "treshold"/u, (p) => (p.categories.hate.treshold = 1)],
    ['an unknown action', /categories\.hate\.action/u, (p) => (p.categories.hate.action = 'warn')],
    ['a missing category', /categories\.extremism/u, (p) => delete p.categories.extremism],
    ['minors allowed', /categories\.minors\.action/u, (p) => (p.categories.minors.action = 'allow')],
    [
      'a threshold for minors',
      /Unrecognized key: "prompt"/u,
      (p) => (p.categories.minors.prompt = { meaning: 1 }),
    ],
    ['a pointless order', /must not be above/u, (p) => (p.categories.sexual.picture.unsure = 0.9)],
  ])('is refused with %s, saying where', (_what, message, edit) => {
    change(edit);
    expect(() => readPolicy(folder)).toThrow(message);
    expect(() => readPolicy(folder)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  test.each([
    ['[refused]\nword', /violence\.txt, line 1: \[refused\] is no section/u],
    ['word', /violence\.txt, line 1: words before the first section/u],
    ['# why\n\n[together]\nblood, knife', /violence\.txt, line 4: a rule is written as/u],
    ['[together]\n@person + nude', /violence\.txt, line 2: there is no \[set person\]/u],
  ])('names file and line of a wrong list: %s', (text, message) => {
    writeFileSync(join(folder, 'words', 'violence.txt'), text);
    expect(() => readPolicy(folder)).toThrow(message);
  });

  test('needs every list', () => {
    rmSync(join(folder, 'words', 'minors.txt'));
    expect(() => readPolicy(folder)).toThrow(/minors\.txt/u);
  });
});
