import { readFileSync } from 'node:fs';
import type { Tokenizer } from '../../models/tokenizers/tokenizer.js';

/** What transformers made of all strings; made by scripts/goldens/token_ids.py. */
export interface TokenGolden {
  /** One digest per string, of its ids without a limit of length. */
  readonly ids: readonly string[];
  /** Digest of the ids of all strings, each cut and padded to 77. */
  readonly padded?: string;
  readonly mask?: string;
}

export const GOLDENS = new URL('../../models/tokenizers/goldens/', import.meta.url);

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, GOLDENS), 'utf8')) as T;
}

/** FNV-1a over the little-endian bytes of ids, as the script that made the goldens computes it. */
function digest(ids: readonly number[]): string {
  let value = 0x811c9dc5;
  for (const id of ids)
    for (let shift = 0; shift < 32; shift += 8)
      value = Math.imul(value ^ ((id >>> shift) & 0xff), 0x01000193) >>> 0;
  return value.toString(16).padStart(8, '0');
}

/** Strings that come out different, and whether cutting and padding agree. */
export function compare(
  tokenizer: Tokenizer,
  golden: TokenGolden,
): { different: string[]; padding: boolean } {
  const strings = readGolden<string[]>('strings.json');
  const whole = { maxLength: 1_000_000, pad: false };
  const different = strings.filter((text, i) => digest(tokenizer.encode(text, whole).ids) !== golden.ids[i]);
  const padded = strings.map((text) => tokenizer.encode(text, { maxLength: 77, pad: true }));
  const padding =
    golden.padded === undefined ||
    (digest(padded.flatMap(({ ids }) => ids)) === golden.padded &&
      digest(padded.flatMap(({ attentionMask }) => attentionMask)) === golden.mask);
  return { different, padding };
}
