/** A picture as bytes. `data` is `[height, width, 3] uint8`, RGB, row by row, range 0..255. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Sound as samples. Each channel is float32 in [-1, 1]; all channels have one length. */
export interface PcmAudio {
  readonly sampleRateHz: number;
  readonly channels: readonly Float32Array[];
}
