import { writeFileSync } from 'node:fs';
import { OnnxFile } from '../../scripts/setup/onnx/onnx-file.js';

/** Real graphs in the place of a picture classifier: `image [N, side, side, 3]` → `[N, 5]`, in ways a test needs. */
export type StandIn =
  'red is porn' | 'red is sexy' | 'not a number' | 'throws' | 'endless' | 'too few numbers';

/** Mean colour of each picture, `[N, 3]`. */
function meanColour(file: OnnxFile): string {
  return file.node('ReduceMean', 'mean', ['image'], { axes: [1, 2], keepdims: 0 });
}

/** Score of one class is the mean of red times `gain`. */
function redness(file: OnnxFile, classIndex: number, gain: number): string {
  const weights = new Float32Array(15);
  weights[classIndex] = gain;
  return file.node('MatMul', 'scores', [meanColour(file), file.weights('gain', [3, 5], weights)]);
}

const BUILD: Readonly<Record<StandIn, (file: OnnxFile) => void>> = {
  'red is porn': (file) => redness(file, 3, 1),
  'red is sexy': (file) => redness(file, 4, 1),
  'not a number': (file) => {
    const below = file.node('Sub', 'below', [
      redness(file, 3, 1),
      file.weights('two', [1], Float32Array.of(2)),
    ]);
    file.node('Sqrt', 'result', [below]);
  },
  throws: (file) => file.node('Reshape', 'result', [meanColour(file), file.ints('shape', [7, 11])]),
  'too few numbers': (file) => file.node('Relu', 'result', [meanColour(file)]),
  // Minutes of matrix products, which nothing but the end of the process can stop.
  endless: (file) => {
    const side = 1024;
    const square = file.weights('square', [side, side], new Float32Array(side * side).fill(1 / side));
    const colour = file.node('ReduceSum', 'sum', [meanColour(file)], { keepdims: 1 });
    // Not by the weights themselves: the runtime would keep a packed copy of them for each product.
    const table = file.node('Mul', 'table', [colour, square]);
    let last = table;
    for (let i = 0; i < 2000; i++) last = file.node('MatMul', `product-${i}`, [last, table]);
    const mean = file.node('ReduceMean', 'whole-mean', [last], { axes: [0, 1], keepdims: 1 });
    file.node('MatMul', 'result', [mean, file.weights('five', [1, 5], new Float32Array(5).fill(0.1))]);
  },
};
const LAST: Readonly<Record<StandIn, string>> = {
  'red is porn': 'scores',
  'red is sexy': 'scores',
  'not a number': 'result',
  throws: 'result',
  'too few numbers': 'result',
  endless: 'result',
};

export function writeStandIn(path: string, kind: StandIn, side: number): void {
  const file = new OnnxFile();
  BUILD[kind](file);
  writeFileSync(
    path,
    file.write({ name: 'image', dims: [0, side, side, 3] }, { name: LAST[kind], dims: [0, 5] }),
  );
}
