import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { floats, ints, type FloatTensor, type Tensor } from '../models/tensor/tensor.js';
import type { Tokenizer } from '../models/tokenizers/tokenizer.js';
import { tokenizerOf } from './text-tokenizer.js';

export interface MaskedText {
  /** `[1, L, D] float32`. */
  readonly states: FloatTensor;
  /** `[1, L]`, 1 for what may be attended to, 0 for padding. */
  readonly mask: Tensor;
}

/** A language model whose states stand for a text: Gemma 2 with its tokenizer, as Sana uses it. */
export class GemmaText {
  /** Unwanted texts are few and come again with every job. */
  #last: { readonly text: string; readonly length: number; readonly encoded: MaskedText } | undefined;
  readonly #instructionLength: number;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly graph: GraphSession,
    private readonly instruction: string,
  ) {
    this.#instructionLength = tokenizer.encode(instruction, { maxLength: Infinity, pad: false }).ids.length;
  }

  /** @throws TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(
    pack: ModelPack,
    device: DeviceOptions,
    meter: RunMeter,
    instruction: string,
  ): Promise<GemmaText> {
    const tokenizer = await tokenizerOf(pack, '');
    const graph = await GraphSession.load(pack.file('text_encoder/model.onnx'), device, meter);
    graph.expect(['input_ids', 'attention_mask', 'position_ids'], ['last_hidden_state']);
    return new GemmaText(tokenizer, graph, instruction);
  }

  /**
   * States of a wanted text, `length` tokens long. The model reads the instruction before it; of its states the
   * first and the last `length - 1` are kept. Xie et al. 2024, section 3.1.
   */
  async encodeInstructed(text: string, length: number): Promise<MaskedText> {
    // The start mark and one token of the instruction are counted among the text's.
    const { states, mask } = await this.#run(this.instruction + text, this.#instructionLength + length - 2);
    const [, total, width] = states.dims;
    const tail = total - (length - 1);
    const data = new Float32Array(length * width);
    data.set(states.data.subarray(0, width));
    data.set(states.data.subarray(tail * width), width);
    return {
      states: floats(data, 1, length, width),
      mask: ints([mask.data[0], ...mask.data.subarray(tail)], 1, length),
    };
  }

  /** States of a text by itself, cut and padded to `length` tokens. */
  async encode(text: string, length: number): Promise<MaskedText> {
    const last = this.#last;
    if (last?.text === text && last.length === length) return last.encoded;
    const encoded = await this.#run(text, length);
    this.#last = { text, length, encoded };
    return encoded;
  }

  async #run(text: string, length: number): Promise<MaskedText> {
    const { ids, attentionMask } = this.tokenizer.encode(text, { maxLength: length, pad: true });
    const mask = ints(attentionMask, 1, length);
    const outputs = await this.graph.run(
      {
        input_ids: ints(ids, 1, length),
        attention_mask: mask,
        position_ids: ints([...ids.keys()], 1, length),
      },
      ['last_hidden_state'],
    );
    return { states: outputs.last_hidden_state, mask };
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}
