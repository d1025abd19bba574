import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeError } from '../../core/errors.js';
import { compare, GOLDENS, readGolden, type TokenGolden } from '../../tests/support/token-goldens.js';
import { loadTokenizer } from './load.js';
import { readSentencePieceModel } from './sentencepiece-model.js';
import type { Tokenizer } from './tokenizer.js';

type Digests = Record<
  | 'clip-small'
  | 'clip-small-second'
  | 'clip-small-1.5'
  | 'clip-small-2.1'
  | 't5-small'
  | 't5-small-later'
  | 'gemma-small'
  | 'qwen-small',
  TokenGolden
> & {
  readonly second: { readonly small: object };
  readonly earlier: Readonly<Record<'1.5' | '2.1', Record<string, object>>>;
};
const digests = readGolden<Digests>('digests.json');
const goldenFolder = (name: string) => fileURLToPath(new URL(`${name}/`, GOLDENS));

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tokenizers-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A copy of a golden folder with some files written over. */
function folderWith(name: string, files: Record<string, unknown>, from?: string): string {
  const folder = join(scratch, name);
  if (from !== undefined) cpSync(goldenFolder(from), folder, { recursive: true });
  else
    cpSync(goldenFolder('t5-small'), folder, { recursive: true, filter: (path) => !path.endsWith('.model') });
  for (const [file, value] of Object.entries(files))
    writeFileSync(join(folder, file), typeof value === 'string' ? value : JSON.stringify(value));
  return folder;
}

/** The golden SentencePiece model as transformers writes it to tokenizer.json. */
async function asJsonFile(normalizers: object[], preTokenizer: object): Promise<object> {
  const model = await readSentencePieceModel(join(goldenFolder('t5-small'), 'spiece.model'));
  const sentinels = Array.from({ length: 100 }, (_, i) => `<extra_id_${99 - i}>`);
  const vocab = [...model.pieces, ...sentinels.map((token) => [token, 0] as const)];
  const special = new Set(['<pad>', '</s>', '<unk>', ...sentinels]);
  const charsmap = Buffer.from(model.charsmap).toString('base64');
  return {
    version: '1.0',
    added_tokens: vocab.flatMap(([content], id) => (special.has(content) ? [{ id, content }] : [])),
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'Precompiled', precompiled_charsmap: charsmap }, ...normalizers],
    },
    pre_tokenizer: preTokenizer,
    model: { type: 'Unigram', unk_id: model.unknownId, vocab, byte_fallback: false },
  };
}

async function failureOf(folder: string): Promise<string> {
  const error: unknown = await loadTokenizer(folder).catch((reason: unknown) => reason);
  if (!(error instanceof NodeError)) return 'no error';
  return `${error.code} ${error.message}`;
}

describe('2,000 strings, beside transformers', () => {
  it("CLIP's tokenizer gives the same ids", async () => {
    const tokenizer = await loadTokenizer(goldenFolder('clip-small'));
    expect(compare(tokenizer, digests['clip-small'])).toEqual({ different: [], padding: true });
  });

  it('so does the one that pads with "!"', async () => {
    const folder = folderWith('second', { 'tokenizer_config.json': digests.second.small }, 'clip-small');
    const tokenizer = await loadTokenizer(folder);
    expect(compare(tokenizer, digests['clip-small-second'])).toEqual({ different: [], padding: true });
    expect(tokenizer.encode('a', { maxLength: 6, pad: true }).ids.slice(3)).toEqual([0, 0, 0]);
  });

  it.each(['1.5', '2.1'] as const)(
    'so does the one of Stable Diffusion %s, from before token lists',
    async (kind) => {
      const folder = folderWith(`earlier-${kind}`, digests.earlier[kind], 'clip-small');
      const tokenizer = await loadTokenizer(folder);
      expect(compare(tokenizer, digests[`clip-small-${kind}`])).toEqual({ different: [], padding: true });
    },
  );

  it('so does CLIP read from tokenizer.json', async () => {
    const vocab = readGolden<Record<string, number>>('clip-small/vocab.json');
    const { readFileSync } = await import('node:fs');
    const merges = readFileSync(join(goldenFolder('clip-small'), 'merges.txt'), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    for (const [name, rules] of [
      ['pairs as text', merges],
      ['pairs as lists', merges.map((rule) => rule.split(' '))],
    ] as const) {
      const folder = folderWith(name, {
        'tokenizer.json': { model: { type: 'BPE', vocab, merges: rules, end_of_word_suffix: '</w>' } },
        'tokenizer_config.json': readGolden('clip-small/tokenizer_config.json'),
      });
      expect(compare(await loadTokenizer(folder), digests['clip-small'])).toEqual({
        different: [],
        padding: true,
      });
    }
  });

  it("T5's tokenizer gives the same ids from a SentencePiece model", async () => {
    const tokenizer = await loadTokenizer(goldenFolder('t5-small'));
    expect(compare(tokenizer, digests['t5-small'])).toEqual({ different: [], padding: true });
  });

  it('so does T5 read from tokenizer.json', async () => {
    const split = [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', add_prefix_space: true },
    ];
    const file = await asJsonFile([], { type: 'Sequence', pretokenizers: split });
    const tokenizer = await loadTokenizer(folderWith('t5-json', { 'tokenizer.json': file }));
    expect(compare(tokenizer, digests['t5-small'])).toEqual({ different: [], padding: true });
  });

  it('so does the later form of that file', async () => {
    const spaces = [
      { type: 'Strip', strip_left: false, strip_right: true },
      { type: 'Replace', pattern: { Regex: ' {2,}' }, content: '▁' },
    ];
    const file = await asJsonFile(spaces, { type: 'Metaspace', prepend_scheme: 'always', split: true });
    const plain = { 'tokenizer.json': file, 'tokenizer_config.json': {} };
    const tokenizer = await loadTokenizer(folderWith('t5-later', plain));
    expect(compare(tokenizer, digests['t5-small-later'])).toEqual({ different: [], padding: true });
    // T5's class has its own idea of white space, whatever the file says.
    const named = await loadTokenizer(folderWith('t5-named', { 'tokenizer.json': file }));
    expect(compare(named, digests['t5-small'])).toEqual({ different: [], padding: true });
  });

  it("Gemma's tokenizer gives the same ids", async () => {
    const tokenizer = await loadTokenizer(goldenFolder('gemma-small'));
    expect(compare(tokenizer, digests['gemma-small'])).toEqual({ different: [], padding: true });
  });

  it('so does Gemma from the file of earlier versions, with pairs as text and its mark asked for apart', async () => {
    const file = readGolden<{ model: { merges: string[][] } }>('gemma-small/tokenizer.json');
    const merges = file.model.merges.map((rule) => rule.join(' '));
    const folder = folderWith('gemma-earlier', {
      'tokenizer.json': { ...file, post_processor: null, model: { ...file.model, merges } },
      'tokenizer_config.json': { add_bos_token: true, bos_token: '<bos>', pad_token: { content: '<pad>' } },
    });
    expect(compare(await loadTokenizer(folder), digests['gemma-small'])).toEqual({
      different: [],
      padding: true,
    });
  });

  it("Qwen's tokenizer gives the same ids", async () => {
    const tokenizer = await loadTokenizer(goldenFolder('qwen-small'));
    expect(compare(tokenizer, digests['qwen-small'])).toEqual({ different: [], padding: true });
  });
});

describe.each([
  ['clip-small', true],
  ['t5-small', true],
  ['gemma-small', false],
  ['qwen-small', false],
])('%s', (name, marksTheEnd) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(goldenFolder(name));
  });

  it('keeps to the asked length, ends with its mark if it has one and says what was cut', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 120 });
    fc.assert(
      fc.property(text, fc.integer({ min: 3, max: 40 }), (sample, maxLength) => {
        const whole = tokenizer.encode(sample, { maxLength: 1000, pad: false });
        const cut = tokenizer.encode(sample, { maxLength, pad: false });
        const padded = tokenizer.encode(sample, { maxLength, pad: true });
        expect(whole.truncated).toBe(false);
        expect(cut.truncated).toBe(whole.ids.length > maxLength);
        expect(cut.ids).toHaveLength(Math.min(maxLength, whole.ids.length));
        if (marksTheEnd) expect(cut.ids.at(-1)).toBe(whole.ids.at(-1));
        expect(cut.ids.slice(0, -1)).toEqual(whole.ids.slice(0, cut.ids.length - 1));
        expect(padded.ids).toHaveLength(maxLength);
        expect(padded.ids.slice(0, cut.ids.length)).toEqual(cut.ids);
        expect(padded.attentionMask).toEqual(padded.ids.map((_, i) => (i < cut.ids.length ? 1 : 0)));
        expect(padded.ids.every((id) => id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
      }),
    );
  });

  it('encodes a word of 20,000 letters', () => {
    const { ids } = tokenizer.encode('abcde'.repeat(4000), { maxLength: 77, pad: true });
    expect(ids).toHaveLength(77);
  });
});

it('counts what an added token far beyond the vocabulary needs', async () => {
  const folder = folderWith(
    'far',
    { 'tokenizer_config.json': { added_tokens_decoder: { 90000: { content: '<far>' } } } },
    'gemma-small',
  );
  const tokenizer = await loadTokenizer(folder);
  expect(tokenizer.encode('a <far>', { maxLength: 10, pad: false }).ids).toContain(90000);
  expect(tokenizer.vocabularySize).toBe(90001);
});

describe('a folder that is no tokenizer', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['nothing', {}, 'has neither tokenizer.json'],
    ['broken-json', { 'tokenizer.json': '{"model":' }, 'tokenizer.json'],
    [
      'other-model',
      { 'tokenizer.json': { model: { type: 'WordPiece', vocab: { a: 1 } } } },
      'tokenizer.json',
    ],
    ['broken-vocabulary', { 'vocab.json': { a: 'x' }, 'merges.txt': 'a b' }, 'vocab.json'],
    [
      'broken-merges',
      { 'vocab.json': { '<pad>': 0, '</s>': 1, '<unk>': 2, '<|startoftext|>': 3 }, 'merges.txt': 'abc' },
      'merges.txt',
    ],
    ['no-marks', { 'vocab.json': { a: 1 }, 'merges.txt': 'a b' }, '<|startoftext|>'],
    ['no-model', { 'spiece.model': 'not a protobuf' }, 'spiece.model'],
    [
      'odd-step',
      {
        'tokenizer.json': { normalizer: { type: 'Odd' }, model: { type: 'Unigram', vocab: [['a', 0]] } },
        'tokenizer_config.json': {},
      },
      'Odd',
    ],
    [
      'no-start-mark',
      {
        'tokenizer.json': {
          model: { type: 'BPE', byte_fallback: true, vocab: { '<pad>': 0, '<unk>': 1 }, merges: [] },
          post_processor: {
            type: 'TemplateProcessing',
            single: [{ SpecialToken: { id: '<bos>' } }, { Sequence: {} }],
          },
        },
      },
      '"<bos>" is not in the vocabulary',
    ],
    [
      'odd-split',
      {
        'tokenizer.json': {
          model: { type: 'BPE', byte_fallback: true, vocab: { '<pad>': 0, '<unk>': 1 }, merges: [] },
          pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'Contiguous' },
        },
      },
      'tokenizer.json',
    ],
    [
      'broken-settings',
      { 'tokenizer_config.json': '[]', 'vocab.json': { a: 1 }, 'merges.txt': '' },
      'tokenizer_config.json',
    ],
  ])('is refused, naming the file: %s', async (name, files, named) => {
    const message = await failureOf(folderWith(`bad-${name}`, files));
    expect(message).toMatch(/^TOKENIZER_INVALID /);
    expect(message).toContain(named);
  });
});
