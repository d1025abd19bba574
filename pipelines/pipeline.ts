import type { PcmAudio, RgbImage } from '../core/media.js';
import type { Stage } from '../core/messages.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import type { NoiseSource } from './noise/noise-source.js';
import type { GeneratorDevice } from './noise/torch-noise.js';

/** Where a pipeline tells how far it is. Awaited between graph runs; throwing stops the pipeline. */
export interface PipelineObserver {
  progress(stage: Stage, step: number, steps: number): Promise<void>;
}

/** A decoded picture: `[3, height, width] float32`, RGB planes, range 0..1. */
export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export interface PictureRequest {
  readonly prompt: string;
  readonly negative?: string | undefined;
  /** Pixels; multiples of the pack's down-scaling factor. */
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  /** Device whose torch generator the seed's noise comes from, instead of the pack's; `cpu` where neither says. */
  readonly generator?: GeneratorDevice | undefined;
  readonly steps?: number | undefined;
  readonly guidanceScale?: number | undefined;
  /** Scheduler class instead of the pack's own. */
  readonly scheduler?: string | undefined;
  /** Classifier-free guidance on top of a model that takes its guidance as an input, FLUX only; 1 is none. */
  readonly trueGuidanceScale?: number | undefined;
}

interface Pipeline {
  readonly pack: ModelPack;
  /** Time inside graph runs since the pipeline was opened. */
  readonly meter: RunMeter;
  release(): Promise<void>;
}

export interface ImagePipeline extends Pipeline {
  readonly kind: 'image';
  /** @throws REQUEST_INVALID, OUTPUT_NOT_FINITE, GRAPH_RUN_FAILED, DEVICE_OUT_OF_MEMORY */
  generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture>;
  /** Sizes the model was trained for, at least one, `[width, height]` in pixels. */
  readonly nativeSizes: readonly (readonly [number, number])[];
  /** Sides that `generate` takes are multiples of this. */
  readonly sizeMultiple: number;
  /** Enlarges a picture by the pack's up-scaler; undefined when it has none. One that `restores` is worth a run at any size. */
  readonly upscaler:
    | {
        readonly scale: number;
        readonly restores: boolean;
        run(picture: DecodedPicture): Promise<DecodedPicture>;
      }
    | undefined;
}

export interface FilmRequest {
  readonly prompt: string;
  readonly negative?: string | undefined;
  readonly width: number;
  readonly height: number;
  /** Frames. */
  readonly length: number;
  readonly seed: number;
  readonly steps?: number | undefined;
  readonly guidanceScale?: number | undefined;
  /** The picture to set in motion, for packs that take one; of the film's size. */
  readonly keyframe?: RgbImage | undefined;
  /** In place of the seed's noise. */
  readonly noise?: NoiseSource | undefined;
}

/** A film being decoded; frames come in order, a window at a time. */
export interface FrameStream {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly frameCount: number;
  readonly frames: AsyncIterable<RgbImage>;
}

export interface VideoPipeline extends Pipeline {
  readonly kind: 'video';
  /** Whether a request must carry a keyframe. */
  readonly needsKeyframe: boolean;
  generate(request: FilmRequest, observer: PipelineObserver): Promise<FrameStream>;
}

export interface SoundRequest {
  readonly prompt: string;
  readonly negative?: string | undefined;
  readonly durationMs: number;
  readonly seed: number;
  readonly steps?: number | undefined;
  readonly guidanceScale?: number | undefined;
  /** In place of the seed's noise. */
  readonly noise?: NoiseSource | undefined;
}

export interface AudioPipeline extends Pipeline {
  readonly kind: 'audio';
  generate(request: SoundRequest, observer: PipelineObserver): Promise<PcmAudio>;
}

export type AnyPipeline = ImagePipeline | VideoPipeline | AudioPipeline;
