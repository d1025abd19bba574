import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { RunMeter } from '../../../models/run-meter.js';
import { GraphSession } from '../../../models/session.js';
import { floats } from '../../../models/tensor/tensor.js';
import { prepareSafetyModels } from '../safety-models.js';

/** What TensorFlow.js 4.22 itself (layers API, CPU backend) answers for the same weights and patterns. */
const GOLDENS = {
  'pictures.onnx': {
    side: 224,
    answers: [
      [
        0.13168585300445557, 0.01078171655535698, 0.853710949420929, 0.003337862668558955,
        0.00048362321103923023,
      ],
      [
        0.11005911976099014, 0.0015890138456597924, 0.8882837295532227, 6.0039656091248617e-5,
        8.090456503850874e-6,
      ],
      [
        0.0027924515306949615, 3.565820588846691e-5, 0.9971603155136108, 1.1144602467538789e-5,
        4.768006078847975e-7,
      ],
    ],
  },
  'pictures-strict.onnx': {
    side: 299,
    answers: [
      [
        0.004567318595945835, 0.00205177441239357, 0.9859117269515991, 0.007042385172098875,
        0.0004268799675628543,
      ],
      [
        0.00013884228246752173, 4.676069693232421e-6, 0.9998480081558228, 8.137993972923141e-6,
        3.460258994891774e-7,
      ],
      [
        0.0002762123185675591, 7.644911420356948e-6, 0.9997044205665588, 1.1054796232201625e-5,
        6.749754106749606e-7,
      ],
    ],
  },
} as const;

/** Waves in three colours, in whole 255ths, so that rounding differs on no machine. */
function pattern(side: number, k: number): Float32Array {
  return Float32Array.from({ length: side * side * 3 }, (_, i) => {
    const channel = i % 3;
    const x = (Math.floor(i / 3) % side) / side;
    const y = Math.floor(i / 3 / side) / side;
    const wave =
      Math.sin((k + 1) * (channel + 2) * 3 * x + 5 * y * (k + 1) + channel) *
      Math.cos(7 * y * (k + 1) - 2 * x);
    return Math.round(255 * (0.5 + 0.5 * wave)) / 255;
  });
}

let folder: string;
beforeAll(async () => {
  folder = await prepareSafetyModels(() => undefined);
}, 240_000);

describe('the converted picture classifiers', () => {
  test.each(Object.entries(GOLDENS))('%s answers as TensorFlow.js does', async (file, { side, answers }) => {
    const graph = await GraphSession.load(join(folder, file), { device: 'cpu', threads: 1 }, new RunMeter());
    const batch = new Float32Array(answers.length * side * side * 3);
    answers.forEach((_, k) => batch.set(pattern(side, k), k * side * side * 3));
    const out = await graph.run({ image: floats(batch, answers.length, side, side, 3) });
    const { data } = out[graph.outputs[0].name];
    answers.flat().forEach((expected, i) => expect(Math.abs(data[i] - expected)).toBeLessThan(1e-5));
    await graph.release();
  });
});
