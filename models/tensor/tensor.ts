/** Element types that graphs of diffusion models have at their edges; `unsupported` stands for all others. */
export type ElementType =
  'float32' | 'float16' | 'int64' | 'int32' | 'bool' | 'uint8' | 'string' | 'unsupported';

/** Numbers in row-major order. What a pipeline hands to a graph; the session casts to what the graph wants. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** float32 values with a shape. */
export interface FloatTensor extends Tensor {
  readonly data: Float32Array;
}

/** A float32 tensor over existing data. */
export function floats(data: Float32Array, ...dims: number[]): FloatTensor {
  return { data, dims };
}

/** Token ids and other whole numbers as a tensor. */
export function ints(values: readonly number[], ...dims: number[]): Tensor {
  return { data: Int32Array.from(values), dims };
}
