import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { ClipTokenizer } from './clip.js';
import type { Tokenizer } from './tokenizer.js';

const tokenText = z.union([
  z.string(),
  z
    .object({ content: z.string() })
    .loose()
    .transform((token) => token.content),
]);
const settings = z
  .object({
    model_max_length: z.number().optional(),
    pad_token: tokenText.nullish(),
    bos_token: tokenText.nullish(),
    eos_token: tokenText.nullish(),
  })
  .loose();
const fastFile = z.object({
  model: z
    .object({
      type: z.string().optional(),
      vocab: z.record(z.string(), z.number()),
      merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    })
    .loose(),
  added_tokens: z.array(z.object({ id: z.number(), content: z.string() }).loose()).default([]),
});

async function parse<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new NodeError('TOKENIZER_INVALID', `${path} cannot be read as a tokenizer file`, { cause: error });
  }
}

function pairs(
  lines: readonly (string | readonly [string, string])[],
  path: string,
): (readonly [string, string])[] {
  return lines.map((line) => {
    const [left, right] = typeof line === 'string' ? line.split(' ') : line;
    if (!left || !right)
      throw new NodeError('TOKENIZER_INVALID', `${path} has a merge rule that is not two tokens`);
    return [left, right] as const;
  });
}

/**
 * The tokenizer of a folder: CLIP's byte-pair encoding from `vocab.json` + `merges.txt`, or the same from
 * `tokenizer.json`.
 * @throws TOKENIZER_INVALID naming the file
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = (name: string) => join(folder, name);
  const config = existsSync(path('tokenizer_config.json'))
    ? await parse(path('tokenizer_config.json'), settings)
    : {};
  let vocabulary: Map<string, number>;
  let merges: (readonly [string, string])[];
  if (existsSync(path('vocab.json')) && existsSync(path('merges.txt'))) {
    vocabulary = new Map(Object.entries(await parse(path('vocab.json'), z.record(z.string(), z.number()))));
    const lines = (await readFile(path('merges.txt'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#version'));
    merges = pairs(lines, path('merges.txt'));
  } else if (existsSync(path('tokenizer.json'))) {
    const file = await parse(path('tokenizer.json'), fastFile);
    vocabulary = new Map(Object.entries(file.model.vocab));
    for (const token of file.added_tokens) vocabulary.set(token.content, token.id);
    merges = pairs(file.model.merges, path('tokenizer.json'));
  } else {
    throw new NodeError(
      'TOKENIZER_INVALID',
      `${folder} has neither vocab.json with merges.txt nor tokenizer.json`,
    );
  }
  const special = existsSync(path('special_tokens_map.json'))
    ? await parse(path('special_tokens_map.json'), settings)
    : {};
  const idOf = (what: string, token: string | null | undefined, fallback: string): number => {
    const id = vocabulary.get(token ?? fallback);
    if (id === undefined)
      throw new NodeError(
        'TOKENIZER_INVALID',
        `${folder}: the ${what} token "${token ?? fallback}" is not in the vocabulary`,
      );
    return id;
  };
  const maximum = config.model_max_length ?? 77;
  return new ClipTokenizer({
    vocabulary,
    merges,
    startId: idOf('start', config.bos_token ?? special.bos_token, '<|startoftext|>'),
    endId: idOf('end', config.eos_token ?? special.eos_token, '<|endoftext|>'),
    padId: idOf('pad', config.pad_token ?? special.pad_token, '<|endoftext|>'),
    modelMaxLength: maximum > 10_000 ? 77 : maximum,
  });
}
