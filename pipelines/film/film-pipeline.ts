import type { PcmAudio, RgbImage } from '../../core/media.js';

/** Who is told how far a generation is, and who may stop it. */
export interface FilmObserver {
  readonly signal?: AbortSignal | undefined;
  onStage?(stage: 'text' | 'denoise' | 'decode', step: number, steps: number): void;
}

export interface VideoPipelineRequest {
  readonly prompt: string;
  readonly negative?: string | undefined;
  readonly width: number;
  readonly height: number;
  /** Frames of the film. */
  readonly length: number;
  readonly seed: number;
  readonly steps?: number | undefined;
  readonly guidanceScale?: number | undefined;
  /** The picture to set in motion, for packs that take one; of the film's size. */
  readonly keyframe?: RgbImage | undefined;
  /** Packed starting noise in place of the seed's. */
  readonly noise?: Float32Array | undefined;
}

/** A film whose frames come one by one as they are decoded. */
export interface GeneratedFilm {
  readonly framesPerSecond: number;
  readonly frameCount: number;
  readonly width: number;
  readonly height: number;
  readonly frames: AsyncIterable<RgbImage>;
}

/** Text to film. */
export interface VideoPipeline {
  readonly kind: 'video';
  /** Whether a request must carry a keyframe. */
  readonly needsKeyframe: boolean;
  generate(request: VideoPipelineRequest, observer: FilmObserver): Promise<GeneratedFilm>;
  release(): Promise<void>;
}

export interface AudioPipelineRequest {
  readonly prompt: string;
  readonly negative?: string | undefined;
  readonly durationMs: number;
  readonly seed: number;
  readonly steps?: number | undefined;
  readonly guidanceScale?: number | undefined;
  /** Starting noise, and noise of every step one after the other, in place of the seed's. */
  readonly noise?: { readonly start: Float32Array; readonly steps: Float32Array } | undefined;
}

/** Text to sound. */
export interface AudioPipeline {
  readonly kind: 'audio';
  generate(request: AudioPipelineRequest, observer: FilmObserver): Promise<PcmAudio>;
  release(): Promise<void>;
}
