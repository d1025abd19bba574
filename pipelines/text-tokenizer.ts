import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import { loadTokenizer } from '../models/tokenizers/load.js';
import type { Tokenizer } from '../models/tokenizers/tokenizer.js';

const textConfig = z.object({ vocab_size: z.number().optional() }).loose();

/**
 * The tokenizer of `text_encoder` or, with a suffix such as `_2`, of another one. One that knows more tokens than its
 * encoder would make the graph read beyond its table.
 * @throws TOKENIZER_INVALID, PACK_INVALID
 */
export async function tokenizerOf(pack: ModelPack, suffix: string): Promise<Tokenizer> {
  const part = `text_encoder${suffix}`;
  const tokenizer = await loadTokenizer(join(pack.dir, `tokenizer${suffix}`));
  const { vocab_size: vocabulary } = await pack.config(part, textConfig);
  if (vocabulary !== undefined && tokenizer.vocabularySize > vocabulary) {
    throw new NodeError(
      'TOKENIZER_INVALID',
      `pack ${pack.dir}: tokenizer${suffix} has ${tokenizer.vocabularySize} tokens but ${part} knows ${vocabulary}`,
    );
  }
  return tokenizer;
}
