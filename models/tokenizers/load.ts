import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { ClipTokenizer } from './clip.js';
import { PairTokenizer } from './pair-tokenizer.js';
import { sentencePieceFile, T5Tokenizer } from './t5.js';
import type { Tokenizer } from './tokenizer.js';
import {
  addedTokens,
  addedTokensField,
  mergesField,
  pairOf,
  readTokenizerJson,
  readTokenizerSettings,
  vocabularyField,
} from './tokenizer-files.js';

/** CLIP's own length, where a pack only writes "any". */
const CLIP_LENGTH = 77;

const kindOfFile = z.object({
  model: z
    .object({ type: z.string().optional(), vocab: z.unknown(), end_of_word_suffix: z.string().nullish() })
    .loose(),
});
const pairsFile = z.object({
  model: z
    .object({
      vocab: vocabularyField,
      merges: mergesField,
      end_of_word_suffix: z.literal('</w>'),
    })
    .loose(),
  added_tokens: addedTokensField,
});
type PairsFile = z.output<typeof pairsFile>;

/**
 * The tokenizer of a folder: from `tokenizer.json` (byte pairs as CLIP's, Gemma's or Qwen's, or unigram pieces as T5's), else
 * CLIP's from `vocab.json` and `merges.txt`, else T5's from a SentencePiece model.
 * @throws TOKENIZER_INVALID naming the file
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = (name: string) => join(folder, name);
  if (existsSync(path('tokenizer.json'))) {
    const { model } = await readTokenizerJson(path('tokenizer.json'), kindOfFile);
    if (model.type === 'Unigram' || Array.isArray(model.vocab)) return T5Tokenizer.load(folder);
    if (model.end_of_word_suffix !== '</w>') return PairTokenizer.load(folder, path('tokenizer.json'));
    return clipTokenizer(
      folder,
      path('tokenizer.json'),
      await readTokenizerJson(path('tokenizer.json'), pairsFile),
    );
  }
  if (existsSync(path('vocab.json')) && existsSync(path('merges.txt'))) {
    const vocab = await readTokenizerJson(path('vocab.json'), vocabularyField);
    const lines = (await readFile(path('merges.txt'), 'utf8')).split(/\r?\n/);
    const merges = lines.filter((line) => line.trim() !== '' && !line.startsWith('#version'));
    const model = { vocab, merges, end_of_word_suffix: '</w>' as const };
    return clipTokenizer(folder, path('merges.txt'), { model, added_tokens: [] });
  }
  if (sentencePieceFile(folder) !== undefined) return T5Tokenizer.load(folder);
  throw new NodeError(
    'TOKENIZER_INVALID',
    `${folder} has neither tokenizer.json nor vocab.json with merges.txt nor a SentencePiece model`,
  );
}

async function clipTokenizer(
  folder: string,
  file: string,
  { model, added_tokens }: PairsFile,
): Promise<Tokenizer> {
  const settings = await readTokenizerSettings(folder);
  const vocabulary = new Map(Object.entries(model.vocab));
  for (const token of added_tokens) vocabulary.set(token.content, token.id);
  const idOf = (what: string, token: string): number => {
    const id = vocabulary.get(token);
    if (id !== undefined) return id;
    throw new NodeError(
      'TOKENIZER_INVALID',
      `${file}: the ${what} token "${token}" is not in the vocabulary`,
    );
  };
  const { roles } = settings;
  const end = roles.eos_token ?? '<|endoftext|>';
  const marks = [roles.bos_token ?? '<|startoftext|>', end].map((content) => ({ content }));
  const maximum = settings.modelMaxLength ?? CLIP_LENGTH;
  return new ClipTokenizer({
    vocabulary,
    merges: model.merges.map((rule) => pairOf(rule, file)),
    added: addedTokens([...settings.listed, ...added_tokens], [...marks, ...settings.mentioned], (content) =>
      vocabulary.get(content),
    ),
    startId: idOf('start', marks[0].content),
    endId: idOf('end', end),
    padId: idOf('pad', roles.pad_token ?? '<|endoftext|>'),
    unknownId: idOf('unknown', roles.unk_token ?? '<|endoftext|>'),
    modelMaxLength: maximum > 10_000 ? CLIP_LENGTH : maximum,
  });
}
