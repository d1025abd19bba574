import { z } from 'zod';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { ints, type FloatTensor } from '../models/tensor/tensor.js';
import type { Tokenizer } from '../models/tokenizers/tokenizer.js';
import { tokenizerOf } from './text-tokenizer.js';

const textConfig = z.object({ num_hidden_layers: z.number().int().positive() }).loose();

/** A conversation in which the user says the prompt and the assistant, free to think first, is about to answer. */
const conversation = (prompt: string): string =>
  `<|im_start|>user\n${prompt}<|im_end|>\n<|im_start|>assistant\n`;

/** A language model whose states stand for a text: Qwen 3 with its tokenizer, as Z-Image uses it. */
export class QwenText {
  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly graph: GraphSession,
    private readonly statesName: string,
  ) {}

  /** @throws TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(pack: ModelPack, device: DeviceOptions, meter: RunMeter): Promise<QwenText> {
    const tokenizer = await tokenizerOf(pack, '');
    const config = await pack.config('text_encoder', textConfig);
    const graph = await GraphSession.load(pack.file('text_encoder/model.onnx'), device, meter);
    const statesName = `hidden_states.${config.num_hidden_layers - 1}`;
    graph.expect(['input_ids', 'attention_mask', 'position_ids'], [statesName]);
    return new QwenText(tokenizer, graph, statesName);
  }

  /**
   * `[1, L, D] float32`: states of the layer before the last for a prompt, cut to `maxLength` tokens and not padded,
   * since the transformer has its own padding.
   */
  async encode(prompt: string, maxLength: number): Promise<FloatTensor> {
    const { ids, attentionMask } = this.tokenizer.encode(conversation(prompt), { maxLength, pad: false });
    const length = ids.length;
    const outputs = await this.graph.run(
      {
        input_ids: ints(ids, 1, length),
        attention_mask: ints(attentionMask, 1, length),
        position_ids: ints([...ids.keys()], 1, length),
      },
      [this.statesName],
    );
    return outputs[this.statesName];
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}
