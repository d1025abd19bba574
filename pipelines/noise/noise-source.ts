/** Standard normal values in the order a seeded generator draws them. */
export interface NoiseSource {
  /** `length` float32 values from N(0, 1). */
  randn(length: number): Float32Array;
}
