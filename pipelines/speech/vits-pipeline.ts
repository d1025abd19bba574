import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import type { PcmAudio } from '../../core/media.js';
import type { RunMeter } from '../../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../../models/session.js';
import { floats, ints, type Tensor } from '../../models/tensor/tensor.js';
import { expectFinite, outputOf } from '../film/batch.js';
import { EnglishPhonemes, type Phoneme } from './english-phonemes.js';
import { WordGuesser } from './word-guesser.js';

const metadata = z
  .object({
    language_id: z.number().int(),
    tone_offset: z.number().int(),
    sample_rate: z.number().int(),
    symbols: z.array(z.string()),
  })
  .loose();
type VoiceMetadata = z.infer<typeof metadata>;

const TEXT_WIDTH = 1024;
const FURTHER_TEXT_WIDTH = 768;

/** What a line of speech is asked for. */
export interface SpeechRequest {
  readonly text: string;
  /** 1 is the voice's own pace; larger is faster. */
  readonly pace?: number | undefined;
}

/**
 * Text to speech by VITS (Kim et al., 2021) in the layout of Bert-VITS exports: phonemes, tones and languages
 * with blanks between, a waveform out. The noise inside the graph is drawn by the runtime without a seed, so it is
 * turned off: the same text always gives the same voice.
 */
export class VitsPipeline {
  private constructor(
    private readonly graph: GraphSession,
    private readonly phonemes: EnglishPhonemes,
    private readonly voice: VoiceMetadata,
  ) {}

  /**
   * Loads a voice from a folder with `model.onnx`, `metadata.json`, `cmudict.json` and `g2p_model.json`.
   * @throws PACK_MISSING, PACK_INVALID, GRAPH_LOAD_FAILED, DEVICE_UNAVAILABLE
   */
  static async load(folder: string, device: DeviceOptions, meter: RunMeter): Promise<VitsPipeline> {
    if (!existsSync(join(folder, 'model.onnx'))) {
      throw new NodeError('PACK_MISSING', `${folder} is not a voice: it has no model.onnx`, {
        hint: 'Fetch one with: npx zsky-node setup',
      });
    }
    const json = async (name: string): Promise<unknown> => {
      try {
        return JSON.parse(await readFile(join(folder, name), 'utf8'));
      } catch (error) {
        throw new NodeError('PACK_INVALID', `${name} of the voice in ${folder} cannot be read`, {
          cause: error,
        });
      }
    };
    const voice = metadata.safeParse(await json('metadata.json'));
    if (!voice.success) {
      throw new NodeError('PACK_INVALID', `metadata.json of the voice in ${folder} is not as expected`);
    }
    const dictionary = (await json('cmudict.json')) as Record<string, readonly string[]>;
    const guesser = WordGuesser.fromJson((await json('g2p_model.json')) as Record<string, unknown>);
    return new VitsPipeline(
      await GraphSession.load(join(folder, 'model.onnx'), device, meter),
      new EnglishPhonemes(dictionary, guesser),
      voice.data,
    );
  }

  /** @throws GRAPH_RUN_FAILED, OUTPUT_NOT_FINITE */
  async speak({ text, pace = 1 }: SpeechRequest): Promise<PcmAudio> {
    const feeds = this.feeds(this.phonemes.of(text), pace);
    const { data } = outputOf(await this.graph.run(feeds), 'audio');
    expectFinite(data, 'the speech');
    return { sampleRateHz: this.voice.sample_rate, channels: [data] };
  }

  private feeds(phonemes: readonly Phoneme[], pace: number): Record<string, Tensor> {
    const { language_id: language, symbols, tone_offset: toneOffset } = this.voice;
    const unknown = symbols.indexOf('UNK');
    const id = (symbol: string): number => {
      const found = symbols.indexOf(symbol);
      return found === -1 ? unknown : found;
    };
    // A blank before, between and after: the alignment search was trained with them.
    const spaced = (values: readonly number[]): number[] => [0, ...values.flatMap((value) => [value, 0])];
    const length = 2 * phonemes.length + 1;
    return {
      x: ints(spaced(phonemes.map(({ symbol }) => id(symbol))), 1, length),
      x_lengths: ints([length], 1),
      sid: ints([0], 1),
      tone: ints(spaced(phonemes.map(({ stress }) => stress + toneOffset)), 1, length),
      language: ints(spaced(phonemes.map(() => language)), 1, length),
      bert: floats(new Float32Array(TEXT_WIDTH * length), 1, TEXT_WIDTH, length),
      ja_bert: floats(new Float32Array(FURTHER_TEXT_WIDTH * length), 1, FURTHER_TEXT_WIDTH, length),
      noise_scale: floats(Float32Array.of(0), 1),
      noise_scale_w: floats(Float32Array.of(0), 1),
      length_scale: floats(Float32Array.of(1 / pace), 1),
    };
  }

  async release(): Promise<void> {
    await this.graph.release();
  }
}
