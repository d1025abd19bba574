import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import type { AddedToken } from './added-tokens.js';

const tokenWithFlags = z.object({
  content: z.string(),
  id: z.number().optional(),
  lstrip: z.boolean().optional(),
  rstrip: z.boolean().optional(),
  normalized: z.boolean().optional(),
  single_word: z.boolean().optional(),
});
/** An added token as files write it. */
export type NamedToken = z.output<typeof tokenWithFlags>;

/** `added_tokens` of tokenizer.json. */
export const addedTokensField = z.array(tokenWithFlags.extend({ id: z.number() })).default([]);

/** A special token is only its text in some files. */
const namedToken = z.union([z.string().transform((content): NamedToken => ({ content })), tokenWithFlags]);

const settingsFile = z
  .object({
    model_max_length: z.number().optional(),
    tokenizer_class: z.string().optional(),
    extra_ids: z.number().int().optional(),
    add_bos_token: z.boolean().nullish(),
    add_eos_token: z.boolean().nullish(),
    added_tokens_decoder: z.record(z.string(), namedToken).optional(),
    additional_special_tokens: z.array(namedToken).nullish(),
    pad_token: namedToken.nullish(),
    bos_token: namedToken.nullish(),
    eos_token: namedToken.nullish(),
    unk_token: namedToken.nullish(),
  })
  .loose();

/** Token → id; checked by hand, since real vocabularies have tens of thousands of tokens. */
export const vocabularyField = z.custom<Readonly<Record<string, number>>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((id) => Number.isInteger(id)),
  'must map tokens to whole numbers',
);

const templateStep = z
  .object({
    single: z.array(z.object({ SpecialToken: z.object({ id: z.string() }).optional() }).loose()).optional(),
    processors: z.array(z.unknown()).optional(),
  })
  .loose();

/** `post_processor` of tokenizer.json: whether it puts a mark before and after a text. */
export function marksOf(processor: unknown): { readonly start: boolean; readonly end: boolean } {
  if (!processor) return { start: false, end: false };
  const { single = [], processors = [] } = templateStep.parse(processor);
  const inner = processors.map(marksOf);
  const isMark = single.map((piece) => piece.SpecialToken !== undefined);
  return {
    start: isMark.at(0) === true || inner.some(({ start }) => start),
    end: isMark.at(-1) === true || inner.some(({ end }) => end),
  };
}

/** Merge rules; each is checked when `pairOf` takes it apart. */
export const mergesField = z.custom<readonly (string | readonly unknown[])[]>(
  Array.isArray,
  'must be a list',
);

/** Pieces with their scores, in order of their ids. */
export const piecesField = z.custom<readonly (readonly [piece: string, score: number])[]>(
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (entry: unknown) =>
        Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number',
    ),
  'must list pieces with scores',
);

/** The two tokens of a merge rule; a space stands between them in older files. @throws TOKENIZER_INVALID naming the file */
export function pairOf(rule: string | readonly unknown[], file: string): readonly [string, string] {
  const parts: readonly unknown[] = typeof rule === 'string' ? rule.split(' ') : rule;
  const [left, right] = parts;
  if (parts.length === 2 && typeof left === 'string' && typeof right === 'string' && left && right)
    return [left, right];
  throw new NodeError(
    'TOKENIZER_INVALID',
    `${file}: the merge rule ${JSON.stringify(rule)} is not two tokens`,
  );
}

/** In the order in which transformers adds them. */
const ROLES = ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const;
type Role = (typeof ROLES)[number];

/** What tokenizer_config.json and special_tokens_map.json say; both may be missing. */
export interface TokenizerSettings {
  readonly modelMaxLength: number | undefined;
  readonly extraIds: number | undefined;
  /** Class of transformers that the folder was written for. */
  readonly className: string | undefined;
  /** Whether texts get a start and an end mark, where the files say so. */
  readonly adds: { readonly start: boolean | undefined; readonly end: boolean | undefined };
  readonly roles: Readonly<Partial<Record<Role, string>>>;
  /** Tokens listed with their ids and flags. */
  readonly listed: readonly NamedToken[];
  /** Tokens only mentioned, as the pad token or the like. */
  readonly mentioned: readonly NamedToken[];
}

/** A JSON file of a tokenizer folder. @throws TOKENIZER_INVALID naming the file */
export async function readTokenizerJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).split('\n')[0] : String(error);
    throw new NodeError('TOKENIZER_INVALID', `${path} cannot be read as a tokenizer file: ${reason}`, {
      cause: error,
    });
  }
}

/** @throws TOKENIZER_INVALID naming the file */
export async function readTokenizerSettings(folder: string): Promise<TokenizerSettings> {
  const read = async (name: string): Promise<z.output<typeof settingsFile>> => {
    const path = join(folder, name);
    return existsSync(path) ? readTokenizerJson(path, settingsFile) : {};
  };
  const [config, map] = [await read('tokenizer_config.json'), await read('special_tokens_map.json')];
  const decoder = config.added_tokens_decoder;
  // The map belongs to files from before the decoder and then has the last word: Stable Diffusion 2.1 pads with its "!".
  const said = decoder === undefined ? { ...config, ...map } : config;
  const listed = Object.entries(decoder ?? {}).map(([id, token]) => ({ ...token, id: Number(id) }));
  const roles: Partial<Record<Role, string>> = {};
  const mentioned: NamedToken[] = [];
  for (const role of ROLES) {
    const token = said[role];
    if (!token) continue;
    roles[role] = token.content;
    mentioned.push(token);
  }
  mentioned.push(...(said.additional_special_tokens ?? []));
  return {
    modelMaxLength: config.model_max_length,
    extraIds: config.extra_ids,
    className: config.tokenizer_class,
    adds: { start: config.add_bos_token ?? undefined, end: config.add_eos_token ?? undefined },
    roles,
    listed,
    mentioned,
  };
}

/**
 * Tokens that the vocabulary knows, each once. Of listed ones the first counts; one that is only mentioned, in several
 * roles maybe, looks for itself in the text as its last mention says.
 */
export function addedTokens(
  listed: readonly NamedToken[],
  mentioned: readonly NamedToken[],
  idOf: (content: string) => number | undefined,
): AddedToken[] {
  const named = new Map<string, NamedToken>();
  for (const token of mentioned) named.set(token.content, token);
  for (const token of listed.toReversed()) named.set(token.content, token);
  return [...named.values()].flatMap((token) => {
    const id = idOf(token.content) ?? token.id;
    if (id === undefined || token.content === '') return [];
    return {
      content: token.content,
      id,
      normalized: token.normalized ?? false,
      trimsLeft: token.lstrip ?? false,
      trimsRight: token.rstrip ?? false,
      wholeWord: token.single_word ?? false,
    };
  });
}

/** Highest id that a vocabulary or its added tokens give: what an encoder's table has to reach. */
export function highestId(vocabulary: ReadonlyMap<string, number>, added: readonly AddedToken[]): number {
  let highest = -1;
  for (const id of vocabulary.values()) highest = Math.max(highest, id);
  for (const { id } of added) highest = Math.max(highest, id);
  return highest;
}
