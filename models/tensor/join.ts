import { floats, type FloatTensor } from './tensor.js';

/** Tensors of one shape, one after the other along the first axis. */
export function joinBatch(...parts: readonly FloatTensor[]): FloatTensor {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return floats(
    data,
    parts.reduce((sum, part) => sum + part.dims[0], 0),
    ...parts[0].dims.slice(1),
  );
}

/** Tensors `[1, L, D]` of one width, one after the other along the middle axis. */
export function joinSequence(...parts: readonly FloatTensor[]): FloatTensor {
  const { data } = joinBatch(...parts);
  const width = parts[0].dims[2];
  return floats(data, 1, data.length / width, width);
}

/** Tensors with equal leading axes, side by side along the last one, filled up with zeros to `width`. */
export function joinFeatures(parts: readonly FloatTensor[], width?: number): FloatTensor {
  const widths = parts.map((part) => part.dims[part.dims.length - 1]);
  const total = width ?? widths.reduce((sum, each) => sum + each, 0);
  const rows = parts[0].data.length / widths[0];
  const data = new Float32Array(rows * total);
  let column = 0;
  parts.forEach((part, p) => {
    for (let row = 0; row < rows; row++) {
      const from = row * widths[p];
      data.set(part.data.subarray(from, from + widths[p]), row * total + column);
    }
    column += widths[p];
  });
  return floats(data, ...parts[0].dims.slice(0, -1), total);
}

/** Zeros of the same shape. */
export function zerosLike(tensor: FloatTensor): FloatTensor {
  return floats(new Float32Array(tensor.data.length), ...tensor.dims);
}
