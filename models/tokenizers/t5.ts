import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { AddedTokens } from './added-tokens.js';
import { Charsmap } from './charsmap.js';
import { finish } from './finish.js';
import { readSentencePieceModel } from './sentencepiece-model.js';
import { normalizerOf, stepSchema, wordSplitterOf, type Step, type WordSplitter } from './text-steps.js';
import type { EncodeOptions, Encoding, Tokenizer } from './tokenizer.js';
import {
  addedTokens,
  addedTokensField,
  readTokenizerJson,
  readTokenizerSettings,
  piecesField,
  type NamedToken,
  type TokenizerSettings,
} from './tokenizer-files.js';
import { Unigram, type UnigramVocabulary } from './unigram.js';

/** Length where a pack only writes "any": what the film models were trained with. */
const DEFAULT_LENGTH = 128;
/** Sentinels that T5 adds to a SentencePiece vocabulary. Raffel et al. 2020, section 3.1.4. */
const EXTRA_IDS = 100;

const unigramFile = z.object({
  added_tokens: addedTokensField,
  normalizer: stepSchema.nullish(),
  pre_tokenizer: stepSchema.nullish(),
  model: z
    .object({
      vocab: piecesField,
      unk_id: z.number().nullish(),
      byte_fallback: z.boolean().default(false),
    })
    .loose(),
});

interface Parts {
  readonly vocabulary: UnigramVocabulary;
  readonly normalize: (text: string) => string;
  readonly split: WordSplitter;
  readonly named: readonly (NamedToken & { readonly id: number })[];
}

/** T5's unigram pieces with an end mark after the text. Raffel et al. 2020, section 2.4. */
export class T5Tokenizer implements Tokenizer {
  readonly modelMaxLength: number;
  readonly vocabularySize: number;
  readonly #model: Unigram;
  readonly #added: AddedTokens;
  readonly #marks: { readonly endId: number; readonly padId: number };

  private constructor(
    private readonly parts: Parts,
    settings: TokenizerSettings,
  ) {
    this.#model = new Unigram(parts.vocabulary);
    const given = new Map(parts.named.map(({ content, id }) => [content, id]));
    const idOf = (token: string) => this.#model.idOf(token) ?? given.get(token);
    const required = (token: string): number => {
      const id = idOf(token);
      if (id === undefined) throw new Error(`"${token}" is not in the vocabulary`);
      return id;
    };
    this.#marks = {
      endId: required(settings.roles.eos_token ?? '</s>'),
      padId: required(settings.roles.pad_token ?? '<pad>'),
    };
    const tokens = addedTokens([...settings.listed, ...parts.named], settings.mentioned, idOf);
    this.#added = new AddedTokens(tokens, parts.normalize);
    this.vocabularySize = Math.max(parts.vocabulary.pieces.length, ...tokens.map((token) => token.id + 1));
    const length = settings.modelMaxLength ?? DEFAULT_LENGTH;
    this.modelMaxLength = length > 10_000 ? DEFAULT_LENGTH : length;
  }

  /** From `tokenizer.json`, else from the folder's SentencePiece model. @throws TOKENIZER_INVALID naming the file */
  static async load(folder: string): Promise<T5Tokenizer> {
    const settings = await readTokenizerSettings(folder);
    const json = join(folder, 'tokenizer.json');
    const model = existsSync(json) ? undefined : sentencePieceFile(folder);
    if (model === undefined && !existsSync(json))
      throw new NodeError(
        'TOKENIZER_INVALID',
        `${folder} has neither tokenizer.json nor a SentencePiece model`,
      );
    const file = model ?? json;
    try {
      const parts =
        model === undefined ? await partsOfJson(json, settings) : await partsOfModel(model, settings);
      return new T5Tokenizer(parts, settings);
    } catch (error) {
      if (error instanceof NodeError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new NodeError('TOKENIZER_INVALID', `${file} cannot be used as a T5 tokenizer: ${reason}`, {
        cause: error,
      });
    }
  }

  encode(text: string, options: EncodeOptions): Encoding {
    const ids: number[] = [];
    this.#added.split(text).forEach((segment, i) => {
      if (typeof segment === 'number') ids.push(segment);
      else for (const word of this.parts.split(segment, i === 0)) ids.push(...this.#model.encode(word));
    });
    return finish(ids, this.#marks, options);
  }
}

/** The SentencePiece model of a folder, under any of the names it has in the wild. */
export function sentencePieceFile(folder: string): string | undefined {
  const models = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.model')) : [];
  const name = ['spiece.model', 'tokenizer.model'].find((known) => models.includes(known)) ?? models[0];
  return name === undefined ? undefined : join(folder, name);
}

/** What T5's class does before its pieces, whatever a file says. */
const T5_WORDS = {
  type: 'Sequence',
  pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Metaspace', prepend_scheme: 'always' }],
};
const T5_CLASSES = ['T5Tokenizer', 'T5TokenizerFast'];

async function partsOfJson(path: string, { className = '' }: TokenizerSettings): Promise<Parts> {
  const file = await readTokenizerJson(path, unigramFile);
  const own = T5_CLASSES.includes(className);
  return {
    vocabulary: {
      pieces: file.model.vocab,
      unknownId: file.model.unk_id ?? 0,
      byteFallback: file.model.byte_fallback,
    },
    normalize: normalizerOf(own ? charsmapStepOf(file.normalizer) : file.normalizer),
    split: wordSplitterOf(own ? T5_WORDS : file.pre_tokenizer),
    named: file.added_tokens,
  };
}

/** Of a normaliser's steps, the one that stands for SentencePiece's own. */
function charsmapStepOf(normalizer: Step | null | undefined): Step | undefined {
  const steps =
    normalizer?.type === 'Sequence' ? z.array(stepSchema).parse(normalizer['normalizers']) : [normalizer];
  return steps.find((step) => step?.type === 'Precompiled') ?? undefined;
}

async function partsOfModel(path: string, settings: TokenizerSettings): Promise<Parts> {
  const { pieces, unknownId, byteFallback, charsmap } = await readSentencePieceModel(path);
  const count = settings.extraIds ?? EXTRA_IDS;
  const sentinels = Array.from({ length: count }, (_, i) => `<extra_id_${count - 1 - i}>`);
  const vocabulary = [...pieces, ...sentinels.map((token) => [token, 0] as const)];
  const map = charsmap.length > 0 ? new Charsmap(charsmap) : undefined;
  const named = ['<pad>', '</s>', pieces[unknownId][0], ...sentinels].flatMap((content) => {
    const id = vocabulary.findIndex(([piece]) => piece === content);
    return id < 0 ? [] : [{ content, id }];
  });
  return {
    vocabulary: { pieces: vocabulary, unknownId, byteFallback },
    normalize: map === undefined ? (text) => text : (text) => map.normalize(text),
    split: wordSplitterOf(T5_WORDS),
    named,
  };
}
