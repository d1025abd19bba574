import { NodeError } from '../../core/errors.js';
import { ints, type FloatTensor, type Tensor } from '../../models/tensor/tensor.js';
import type { Tokenizer } from '../../models/tokenizers/tokenizer.js';

/** Arrays one after the other. */
export function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** `[texts, N] int` ids and masks of texts, padded to the tokenizer's own length. */
export function tokenBatch(tokenizer: Tokenizer, texts: readonly string[]): { ids: Tensor; mask: Tensor } {
  const maxLength = tokenizer.modelMaxLength;
  const encodings = texts.map((text) => tokenizer.encode(text, { maxLength, pad: true }));
  return {
    ids: ints(
      encodings.flatMap(({ ids }) => ids),
      texts.length,
      maxLength,
    ),
    mask: ints(
      encodings.flatMap(({ attentionMask }) => attentionMask),
      texts.length,
      maxLength,
    ),
  };
}

/** A graph's output of this name. @throws GRAPH_INPUT_UNEXPECTED */
export function outputOf(results: Readonly<Record<string, FloatTensor>>, name: string): FloatTensor {
  const found = results[name];
  if (found === undefined) throw new NodeError('GRAPH_INPUT_UNEXPECTED', `a graph gives no "${name}"`);
  return found;
}

/** @throws OUTPUT_NOT_FINITE */
export function expectFinite(values: Float32Array, what: string): void {
  let sum = 0;
  for (const value of values) sum += value;
  if (!Number.isFinite(sum)) throw new NodeError('OUTPUT_NOT_FINITE', `${what} is not finite`);
}
