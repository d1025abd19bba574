import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunMeter } from '../../models/run-meter.js';
import { GraphSession } from '../../models/session.js';
import { ints } from '../../models/tensor/tensor.js';
import { WordPieceTokenizer } from '../../models/tokenizers/wordpiece.js';

const LONGEST = 256;

/** A small BERT that tells insults, hate and threats from other text, in fourteen languages. */
export class ToxicityModel {
  private constructor(
    private readonly tokenizer: WordPieceTokenizer,
    private readonly graph: GraphSession,
  ) {}

  static async load(modelsDir: string, meter: RunMeter): Promise<ToxicityModel> {
    const vocabulary = readFileSync(join(modelsDir, 'toxicity.vocab.txt'), 'utf8').trimEnd().split('\n');
    const graph = await GraphSession.load(
      join(modelsDir, 'toxicity.onnx'),
      { device: 'cpu', threads: 1 },
      meter,
    );
    graph.expect(['input_ids', 'attention_mask'], ['logits']);
    return new ToxicityModel(new WordPieceTokenizer(vocabulary), graph);
  }

  /** Probability in 0..1 that the text is toxic; NaN when the model broke. */
  async score(text: string): Promise<number> {
    const { ids, attentionMask } = this.tokenizer.encode(text, { maxLength: LONGEST, pad: false });
    const { logits } = await this.graph.run({
      input_ids: ints(ids, 1, ids.length),
      attention_mask: ints(attentionMask, 1, ids.length),
    });
    const [fine, toxic] = logits.data;
    return 1 / (1 + Math.exp(fine - toxic));
  }
}
