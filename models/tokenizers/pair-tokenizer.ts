import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { AddedTokens } from './added-tokens.js';
import { BytePairs } from './byte-pairs.js';
import { finish } from './finish.js';
import { normalizerOf, stepSchema, wordSplitterOf, type WordSplitter } from './text-steps.js';
import type { EncodeOptions, Encoding, Tokenizer } from './tokenizer.js';
import {
  addedTokens,
  addedTokensField,
  highestId,
  marksOf,
  mergesField,
  pairOf,
  readTokenizerJson,
  readTokenizerSettings,
  vocabularyField,
  type TokenizerSettings,
} from './tokenizer-files.js';

const pairsFile = z.object({
  added_tokens: addedTokensField,
  normalizer: stepSchema.nullish(),
  pre_tokenizer: stepSchema.nullish(),
  post_processor: z.unknown(),
  model: z
    .object({
      type: z.literal('BPE').default('BPE'),
      vocab: vocabularyField,
      merges: mergesField,
      unk_token: z.string().nullish(),
      byte_fallback: z.boolean().default(false),
      // Ways of the same file that neither Gemma nor Qwen goes.
      ignore_merges: z.literal(false).default(false),
      end_of_word_suffix: z.literal('').nullish(),
      continuing_subword_prefix: z.literal('').nullish(),
    })
    .loose(),
});
type PairsFile = z.output<typeof pairsFile>;

/** Names that a SentencePiece vocabulary gives the 256 bytes. */
const BYTE_TOKENS = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);

/**
 * Byte pairs as tokenizer.json describes them step by step, for language models that read prompts: Gemma's, over
 * characters, unknown ones spelled in bytes (Gemma Team 2024, "Gemma", section 2; Kudo & Richardson 2018,
 * "SentencePiece"), and Qwen's, over bytes (Bai et al. 2023, "Qwen Technical Report", section 2.2).
 */
export class PairTokenizer implements Tokenizer {
  readonly modelMaxLength: number;
  readonly vocabularySize: number;
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #pairs: BytePairs;
  /** Whether a character that the vocabulary lacks is spelled in bytes. */
  readonly #spells: boolean;
  readonly #split: WordSplitter;
  readonly #added: AddedTokens;
  readonly #marks: {
    readonly startId: number | undefined;
    readonly endId: number | undefined;
    readonly padId: number;
  };

  private constructor(file: PairsFile, settings: TokenizerSettings, path: string) {
    const vocabulary = new Map(Object.entries(file.model.vocab));
    for (const token of file.added_tokens) vocabulary.set(token.content, token.id);
    const required = (token: string): number => {
      const id = vocabulary.get(token);
      if (id === undefined) throw new Error(`"${token}" is not in the vocabulary`);
      return id;
    };
    const { roles, adds } = settings;
    const marks = marksOf(file.post_processor);
    this.#marks = {
      startId: (adds.start ?? marks.start) ? required(roles.bos_token ?? '<bos>') : undefined,
      endId: (adds.end ?? marks.end) ? required(roles.eos_token ?? '<eos>') : undefined,
      padId: required(roles.pad_token ?? '<pad>'),
    };
    this.#vocabulary = vocabulary;
    const merges = file.model.merges.map((rule) => pairOf(rule, path));
    const { unk_token: unknown, byte_fallback: spells } = file.model;
    this.#pairs = new BytePairs(vocabulary, merges, unknown ? required(unknown) : undefined);
    this.#spells = spells;
    this.#split = wordSplitterOf(file.pre_tokenizer);
    const tokens = addedTokens([...settings.listed, ...file.added_tokens], settings.mentioned, (content) =>
      vocabulary.get(content),
    );
    this.#added = new AddedTokens(tokens, normalizerOf(file.normalizer));
    this.vocabularySize = 1 + highestId(vocabulary, tokens);
    this.modelMaxLength = settings.modelMaxLength ?? Infinity;
  }

  /** @throws TOKENIZER_INVALID naming the file */
  static async load(folder: string, path: string): Promise<PairTokenizer> {
    const settings = await readTokenizerSettings(folder);
    const file = await readTokenizerJson(path, pairsFile);
    try {
      return new PairTokenizer(file, settings, path);
    } catch (error) {
      if (error instanceof NodeError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new NodeError('TOKENIZER_INVALID', `${path} cannot be used as a tokenizer: ${reason}`, {
        cause: error,
      });
    }
  }

  encode(text: string, options: EncodeOptions): Encoding {
    const ids: number[] = [];
    this.#added.split(text).forEach((segment, i) => {
      if (typeof segment === 'number') ids.push(segment);
      else
        for (const word of this.#split(segment, i === 0))
          for (const id of this.#pairs.encode(this.#symbols(word))) ids.push(id);
    });
    return finish(ids, this.#marks, options);
  }

  #symbols(word: string): string[] {
    return Array.from(word).flatMap((character) =>
      !this.#spells || this.#vocabulary.has(character)
        ? [character]
        : Array.from(Buffer.from(character, 'utf8'), (byte) => BYTE_TOKENS[byte]),
    );
  }
}
