import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as UnigramTokenizer } from '@huggingface/tokenizers';
import { NodeError } from '../../core/errors.js';
import type { EncodeOptions, Encoding, Tokenizer } from './tokenizer.js';

/** What is used of the library, whose own types cannot be resolved from ES modules. */
interface Pieces {
  encode(text: string): { readonly ids: number[] };
  token_to_id(token: string): number | undefined;
}
const UnigramPieces = UnigramTokenizer as unknown as new (file: object, settings: object) => Pieces;

interface Settings {
  readonly model_max_length?: number;
  readonly pad_token?: unknown;
  readonly eos_token?: unknown;
}

/** Length where a pack only writes "any": what the film models were trained with. */
const DEFAULT_LENGTH = 128;

function tokenText(token: unknown, fallback: string): string {
  return typeof token === 'string'
    ? token
    : ((token as { content?: string } | undefined)?.content ?? fallback);
}

/** T5's unigram pieces with an end mark after the text. Raffel et al. 2020, section 2.4. */
export class T5Tokenizer implements Tokenizer {
  private constructor(
    private readonly pieces: Pieces,
    private readonly padId: number,
    private readonly endId: number,
    readonly modelMaxLength: number,
    readonly vocabularySize: number,
  ) {}

  /** @throws TOKENIZER_INVALID */
  static async load(folder: string): Promise<T5Tokenizer> {
    try {
      const json = async <T>(name: string): Promise<T> =>
        JSON.parse(await readFile(join(folder, name), 'utf8')) as T;
      const settings = await json<Settings>('tokenizer_config.json');
      const file = await json<{ model: { vocab: unknown[] } }>('tokenizer.json');
      const pieces = new UnigramPieces(file, settings);
      const id = (token: string): number => {
        const found = pieces.token_to_id(token);
        if (found === undefined) throw new Error(`no "${token}" in the vocabulary`);
        return found;
      };
      const length = settings.model_max_length ?? DEFAULT_LENGTH;
      return new T5Tokenizer(
        pieces,
        id(tokenText(settings.pad_token, '<pad>')),
        id(tokenText(settings.eos_token, '</s>')),
        length > 10_000 ? DEFAULT_LENGTH : length,
        file.model.vocab.length,
      );
    } catch (error) {
      throw new NodeError('TOKENIZER_INVALID', `the T5 tokenizer in ${folder} cannot be read`, {
        cause: error,
      });
    }
  }

  encode(text: string, { maxLength, pad }: EncodeOptions): Encoding {
    const all = this.pieces.encode(text).ids;
    const body = all.at(-1) === this.endId ? all.slice(0, -1) : all;
    const truncated = body.length + 1 > maxLength;
    const ids = [...body.slice(0, maxLength - 1), this.endId];
    const attentionMask = ids.map(() => 1);
    while (pad && ids.length < maxLength) {
      ids.push(this.padId);
      attentionMask.push(0);
    }
    return { ids, attentionMask, truncated };
  }
}
