import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { ints, type FloatTensor } from '../models/tensor/tensor.js';
import type { Tokenizer } from '../models/tokenizers/tokenizer.js';
import { tokenizerOf } from './text-tokenizer.js';

const textConfig = z
  .object({
    max_position_embeddings: z.number().optional(),
    use_attention_mask: z.boolean().default(false),
  })
  .loose();

/** Which of the encoder's outputs a family reads. */
export interface ClipOutputs {
  /** Suffix of the folder names: `_2` for `text_encoder_2` with `tokenizer_2`. */
  readonly suffix?: string;
  /** The last layer after its norm, or the one before the last. */
  readonly states: 'last' | 'penultimate';
  readonly pooled?: 'pooler_output' | 'text_embeds';
}

export interface EncodedText {
  /** `[1, L, D] float32`. */
  readonly states: FloatTensor;
  /** `[1, P] float32`, where the family asked for it. */
  readonly pooled: FloatTensor | undefined;
}

/** A CLIP text encoder with its tokenizer. */
export class ClipText {
  /** The empty text is encoded once: it is the other half of most guided jobs. */
  #empty: EncodedText | undefined;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly graph: GraphSession,
    private readonly statesName: string,
    private readonly pooledName: string | undefined,
    private readonly masked: boolean,
  ) {}

  /** @throws TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(
    pack: ModelPack,
    device: DeviceOptions,
    meter: RunMeter,
    outputs: ClipOutputs,
  ): Promise<ClipText> {
    const suffix = outputs.suffix ?? '';
    const part = `text_encoder${suffix}`;
    const tokenizer = await tokenizerOf(pack, suffix);
    const config = await pack.config(part, textConfig);
    checkLength(pack, tokenizer, config, suffix);
    const graph = await GraphSession.load(pack.file(`${part}/model.onnx`), device, meter);
    const statesName = outputs.states === 'last' ? 'last_hidden_state' : penultimateOf(graph);
    graph.expect(['input_ids', 'attention_mask'], [statesName, ...(outputs.pooled ? [outputs.pooled] : [])]);
    return new ClipText(tokenizer, graph, statesName, outputs.pooled, config.use_attention_mask);
  }

  get maxLength(): number {
    return this.tokenizer.modelMaxLength;
  }

  /** Encodes one text, cut and padded to `length` tokens. */
  async encode(text: string, length = this.maxLength): Promise<EncodedText> {
    if (text === '' && this.#empty?.states.dims[1] === length) return this.#empty;
    const { ids, attentionMask } = this.tokenizer.encode(text, { maxLength: length, pad: true });
    const outputs = await this.graph.run(
      {
        input_ids: ints(ids, 1, length),
        attention_mask: ints(this.masked ? attentionMask : attentionMask.map(() => 1), 1, length),
      },
      this.pooledName === undefined ? [this.statesName] : [this.statesName, this.pooledName],
    );
    const encoded = {
      states: outputs[this.statesName],
      pooled: this.pooledName === undefined ? undefined : outputs[this.pooledName],
    };
    if (text === '') this.#empty = encoded;
    return encoded;
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}

/** A tokenizer that makes longer texts than its encoder takes would make the graph read beyond its positions. */
function checkLength(
  pack: ModelPack,
  tokenizer: Tokenizer,
  { max_position_embeddings: positions }: z.infer<typeof textConfig>,
  suffix: string,
): void {
  if (positions !== undefined && tokenizer.modelMaxLength > positions) {
    throw new NodeError(
      'TOKENIZER_INVALID',
      `pack ${pack.dir}: tokenizer${suffix} makes ${tokenizer.modelMaxLength} tokens but text_encoder${suffix} takes ${positions}`,
    );
  }
}

/** Hidden states are numbered from the embeddings to the last layer, so the one before the highest is meant. */
function penultimateOf(graph: GraphSession): string {
  const numbers = graph.outputs
    .map(({ name }) => /^hidden_states\.(\d+)$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number);
  return `hidden_states.${numbers.length > 0 ? Math.max(...numbers) - 1 : 'N'}`;
}
