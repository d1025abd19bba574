import { writeFileSync } from 'node:fs';
import { OnnxFile } from '../../scripts/setup/onnx/onnx-file.js';

/** Real graphs in the place of a picture classifier: `image [N, side, side, 3]` → `[N, 1, 5]`, in ways a test needs. */
export type StandIn =
  'red is porn' | 'red is sexy' | 'not a number' | 'throws' | 'endless' | 'too few numbers';

/** Mean colour of each window, `[N, windows, 3]`, with windows as the real classifier of that side has them. */
function meanColour(file: OnnxFile, side: number): string {
  const cell = Math.floor(side / 7);
  const channels = file.node('Transpose', 'channels', ['image'], { perm: [0, 3, 1, 2] });
  const cells = file.node('AveragePool', 'cells', [channels], {
    kernel_shape: [cell, cell],
    strides: [cell, cell],
  });
  const windows = file.node('AveragePool', 'windows', [cells], { kernel_shape: [7, 7], strides: [1, 1] });
  const last = file.node('Transpose', 'last', [windows], { perm: [0, 2, 3, 1] });
  return file.node('Reshape', 'mean', [last, file.ints('rows', [0, -1, 3])]);
}

/** Score of one class is the mean of red. */
function redness(file: OnnxFile, side: number, classIndex: number): string {
  const weights = new Float32Array(15);
  weights[classIndex] = 1;
  return file.node('MatMul', 'scores', [meanColour(file, side), file.weights('gain', [3, 5], weights)]);
}

const BUILD: Readonly<Record<StandIn, (file: OnnxFile, side: number) => string>> = {
  'red is porn': (file, side) => redness(file, side, 3),
  'red is sexy': (file, side) => redness(file, side, 4),
  'not a number': (file, side) => {
    const below = file.node('Sub', 'below', [
      redness(file, side, 3),
      file.weights('two', [1], Float32Array.of(2)),
    ]);
    return file.node('Sqrt', 'result', [below]);
  },
  throws: (file, side) =>
    file.node('Reshape', 'result', [meanColour(file, side), file.ints('shape', [7, 11])]),
  'too few numbers': (file, side) => file.node('Relu', 'result', [meanColour(file, side)]),
  // Minutes of matrix products, which nothing but the end of the process can stop.
  endless: (file) => {
    const side = 1024;
    const square = file.weights('square', [side, side], new Float32Array(side * side).fill(1 / side));
    const colour = file.node('ReduceSum', 'sum', [meanColour(file, 224)], { keepdims: 1 });
    // Not by the weights themselves: the runtime would keep a packed copy of them for each product.
    const table = file.node('Mul', 'table', [colour, square]);
    let last = table;
    for (let i = 0; i < 2000; i++) last = file.node('MatMul', `product-${i}`, [last, table]);
    const mean = file.node('ReduceMean', 'whole-mean', [last], { axes: [0, 1, 2], keepdims: 1 });
    return file.node('MatMul', 'result', [mean, file.weights('five', [1, 5], new Float32Array(5).fill(0.1))]);
  },
};

export function writeStandIn(path: string, kind: StandIn, side: number): void {
  const file = new OnnxFile();
  const output = BUILD[kind](file, side);
  const input = { name: 'image', dims: ['batch', 'height', 'width', 3] };
  writeFileSync(path, file.write(input, { name: output, dims: ['batch', 'windows', 5] }));
}
