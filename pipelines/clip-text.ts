import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { ints, type FloatTensor } from '../models/tensor/tensor.js';
import { loadTokenizer } from '../models/tokenizers/load.js';
import type { Tokenizer } from '../models/tokenizers/tokenizer.js';

const textConfig = z
  .object({ vocab_size: z.number().optional(), max_position_embeddings: z.number().optional() })
  .loose();

/** A CLIP text encoder with its tokenizer. */
export class ClipText {
  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly graph: GraphSession,
  ) {}

  /** @throws TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(pack: ModelPack, device: DeviceOptions, meter: RunMeter, suffix = ''): Promise<ClipText> {
    const tokenizer = await loadTokenizer(join(pack.dir, `tokenizer${suffix}`));
    const part = `text_encoder${suffix}`;
    const config = await pack.json(`${part}/config.json`, textConfig);
    if (config.vocab_size !== undefined && tokenizer.vocabularySize > config.vocab_size) {
      throw new NodeError(
        'TOKENIZER_INVALID',
        `pack ${pack.dir}: tokenizer${suffix} has ${tokenizer.vocabularySize} tokens but ${part} knows ${config.vocab_size}`,
      );
    }
    const graph = await GraphSession.load(pack.file(`${part}/model.onnx`), device, meter);
    graph.expect(['input_ids', 'attention_mask'], []);
    return new ClipText(tokenizer, graph);
  }

  /** Encodes texts one by one: `last_hidden_state` `[1, L, D]` and whatever else the graph gives. */
  async encode(text: string): Promise<Record<string, FloatTensor>> {
    const length = this.tokenizer.modelMaxLength;
    const { ids, attentionMask } = this.tokenizer.encode(text, { maxLength: length, pad: true });
    return await this.graph.run({
      input_ids: ints(ids, 1, length),
      attention_mask: ints(attentionMask, 1, length),
    });
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}

/** One output of a text encoder. @throws GRAPH_INPUT_UNEXPECTED */
export function textOutput(outputs: Record<string, FloatTensor>, name: string): FloatTensor {
  const found = outputs[name];
  if (found === undefined) {
    throw new NodeError(
      'GRAPH_INPUT_UNEXPECTED',
      `the text encoder has no output "${name}" (it has ${Object.keys(outputs).join(', ')})`,
    );
  }
  return found;
}
