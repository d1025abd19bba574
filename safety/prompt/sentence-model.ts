import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunMeter } from '../../models/run-meter.js';
import { GraphSession } from '../../models/session.js';
import { WordPieceTokenizer } from '../../models/tokenizers/wordpiece.js';

/** Numbers of one embedding. */
export const EMBEDDING_SIZE = 384;
/** Word pieces that the model was trained on; what lies behind them is cut off. */
const LONGEST = 128;

const tokenizerFile = z.object({
  model: z.object({ type: z.literal('WordPiece'), vocab: z.record(z.string(), z.number()) }),
});

/**
 * all-MiniLM-L6-v2 (Reimers and Gurevych 2019, Sentence-BERT; Wang et al. 2020, MiniLM), int8: English texts of like
 * meaning lie close together. As its card says, a text is the mean of its word pieces, scaled to length 1.
 */
export class SentenceModel {
  private constructor(
    /** Word pieces in order of their ids, which after the special ones is the order of frequency. */
    readonly vocabulary: readonly string[],
    private readonly tokenizer: WordPieceTokenizer,
    private readonly graph: GraphSession,
  ) {}

  static async load(modelsDir: string, meter: RunMeter): Promise<SentenceModel> {
    const file: unknown = JSON.parse(readFileSync(join(modelsDir, 'sentences.tokenizer.json'), 'utf8'));
    const byId = Object.entries(tokenizerFile.parse(file).model.vocab).sort(([, a], [, b]) => a - b);
    const vocabulary = byId.map(([token]) => token);
    const graph = await GraphSession.load(
      join(modelsDir, 'sentences.onnx'),
      { device: 'cpu', threads: 1 },
      meter,
    );
    graph.expect(['input_ids', 'attention_mask', 'token_type_ids'], ['last_hidden_state']);
    return new SentenceModel(vocabulary, new WordPieceTokenizer(vocabulary), graph);
  }

  /** One unit vector `[384] float32` for each text, all in one run; NaN in it when the model broke. */
  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    const encodings = texts.map((text) => this.tokenizer.encode(text, { maxLength: LONGEST, pad: false }));
    const length = Math.max(...encodings.map(({ ids }) => ids.length));
    const ids = new Int32Array(texts.length * length);
    const mask = new Int32Array(texts.length * length);
    encodings.forEach((encoding, row) => {
      ids.set(encoding.ids, row * length);
      mask.fill(1, row * length, row * length + encoding.ids.length);
    });
    const dims = [texts.length, length];
    const { last_hidden_state: states } = await this.graph.run({
      input_ids: { data: ids, dims },
      attention_mask: { data: mask, dims },
      token_type_ids: { data: new Int32Array(ids.length), dims },
    });
    return encodings.map((encoding, row) => {
      const from = row * length * EMBEDDING_SIZE;
      return meanOf(states.data.subarray(from, from + encoding.ids.length * EMBEDDING_SIZE));
    });
  }
}

/** Mean of the rows of `[tokens, 384]`, scaled to length 1. */
function meanOf(states: Float32Array): Float32Array {
  const sum = new Float32Array(EMBEDDING_SIZE);
  for (let i = 0; i < states.length; i++) sum[i % EMBEDDING_SIZE] += states[i];
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}
