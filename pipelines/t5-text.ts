import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { ints, type FloatTensor } from '../models/tensor/tensor.js';
import type { Tokenizer } from '../models/tokenizers/tokenizer.js';
import { tokenizerOf } from './text-tokenizer.js';

/** A T5 encoder with its tokenizer, as SD3 and FLUX use it: padded, every position attended to. */
export class T5Text {
  #empty: FloatTensor | undefined;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly graph: GraphSession,
  ) {}

  /** @throws TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(
    pack: ModelPack,
    device: DeviceOptions,
    meter: RunMeter,
    suffix: string,
  ): Promise<T5Text> {
    const part = `text_encoder${suffix}`;
    const tokenizer = await tokenizerOf(pack, suffix);
    const graph = await GraphSession.load(pack.file(`${part}/model.onnx`), device, meter);
    graph.expect(['input_ids', 'attention_mask'], ['last_hidden_state']);
    return new T5Text(tokenizer, graph);
  }

  /** `[1, length, D] float32` of one text, cut and padded to `length` tokens. */
  async encode(text: string, length: number): Promise<FloatTensor> {
    if (text === '' && this.#empty?.dims[1] === length) return this.#empty;
    const { ids } = this.tokenizer.encode(text, { maxLength: length, pad: true });
    const outputs = await this.graph.run(
      {
        input_ids: ints(ids, 1, length),
        attention_mask: ints(
          ids.map(() => 1),
          1,
          length,
        ),
      },
      ['last_hidden_state'],
    );
    if (text === '') this.#empty = outputs.last_hidden_state;
    return outputs.last_hidden_state;
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}
