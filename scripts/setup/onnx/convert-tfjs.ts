import { z } from 'zod';
import { OnnxFile } from './onnx-file.js';
import type { TfjsLayer, TfjsModel } from './tfjs-model.js';

const pair = z.tuple([z.number(), z.number()]);
const convolution = z.object({
  strides: pair,
  padding: z.enum(['same', 'valid']),
  kernel_size: pair,
  activation: z.literal('linear'),
  use_bias: z.boolean(),
});
const pooling = z.object({ pool_size: pair, strides: pair, padding: z.enum(['same', 'valid']) });

/** TensorFlow's SAME pads evenly only where stride 1 meets an odd window; nothing else is expected here. */
function pads(
  name: string,
  padding: 'same' | 'valid',
  window: readonly number[],
  strides: readonly number[],
): number[] {
  if (padding === 'valid') return [0, 0, 0, 0];
  if (strides.some((stride) => stride !== 1) || window.some((side) => side % 2 === 0))
    throw new Error(`${name}: uneven padding`);
  const before = window.map((side) => (side - 1) / 2);
  return [...before, ...before];
}

/** `[H, W, I, O]` to `[O, I, H, W]`, or for depthwise kernels `[H, W, C, M]` to `[C·M, 1, H, W]`. */
function kernelToOnnx(data: Float32Array, [h, w, i, o]: readonly number[], depthwise: boolean): Float32Array {
  const out = new Float32Array(data.length);
  let at = 0;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let a = 0; a < i; a++) {
        for (let b = 0; b < o; b++) {
          const target = depthwise ? ((a * o + b) * h + y) * w + x : ((b * i + a) * h + y) * w + x;
          out[target] = data[at++];
        }
      }
    }
  }
  return out;
}

/**
 * Writes a TensorFlow.js image classifier (`[B, H, W, 3]` in 0..1 to `[B, windows, classes]`) as ONNX. Layers run in
 * NCHW inside; only the first transpose and the flattening know of the other order.
 *
 * A picture of the classifier's own side is one window. A larger one is judged in every window that the last pooling
 * fits into, at the cost of one look at the larger picture: Sermanet et al. 2014, "OverFeat", section 3.3.
 */
export function convertTfjsClassifier(model: TfjsModel, classes: number): Uint8Array {
  const file = new OnnxFile();
  const outputs = new Map<string, string>();
  const weight = (name: string) => {
    const found = model.weights.get(name);
    if (found === undefined) throw new Error(`the model has no weights "${name}"`);
    return found;
  };
  const add = (name: string) => file.weights(name, weight(name).shape, weight(name).data);
  let last = '';
  const lastPooling = model.layers.findLast(({ class_name }) => class_name === 'AveragePooling2D')?.name;
  const firstDense = model.layers.find(({ class_name }) => class_name === 'Dense')?.name ?? '';
  const [channelsBeforeDense] = weight(`${firstDense}/kernel`).shape;

  const convert = ({ name, class_name, config }: TfjsLayer, inputs: readonly string[]): string => {
    const [x] = inputs;
    switch (class_name) {
      case 'InputLayer':
        return file.node('Transpose', `${name}/nchw`, ['image'], { perm: [0, 3, 1, 2] });
      case 'ZeroPadding2D': {
        const [[top, bottom], [left, right]] = z.tuple([pair, pair]).parse(config.padding);
        return file.node('Pad', name, [x, file.ints(`${name}/pads`, [0, 0, top, left, 0, 0, bottom, right])]);
      }
      case 'Conv2D':
      case 'DepthwiseConv2D': {
        const options = convolution.parse(config);
        if (options.use_bias) throw new Error(`${name}: a biased convolution is not expected here`);
        const depthwise = class_name === 'DepthwiseConv2D';
        const { shape, data } = weight(`${name}/${depthwise ? 'depthwise_kernel' : 'kernel'}`);
        const [h, w, i, o] = shape;
        const dims = depthwise ? [i * o, 1, h, w] : [o, i, h, w];
        const pad = pads(name, options.padding, [h, w], options.strides);
        const kernel = file.weights(`${name}/kernel`, dims, kernelToOnnx(data, shape, depthwise));
        return file.node('Conv', name, [x, kernel], {
          kernel_shape: [h, w],
          strides: options.strides,
          pads: pad,
          group: depthwise ? i : 1,
        });
      }
      case 'BatchNormalization': {
        const [beta, mean, variance] = ['beta', 'moving_mean', 'moving_variance'].map((part) =>
          add(`${name}/${part}`),
        );
        const channels = weight(`${name}/beta`).shape;
        const gamma =
          config.scale === false
            ? file.weights(`${name}/gamma`, channels, new Float32Array(channels[0]).fill(1))
            : add(`${name}/gamma`);
        return file.node(
          'BatchNormalization',
          name,
          [x, gamma, beta, mean, variance],
          { epsilon: z.number().parse(config.epsilon) },
          ['epsilon'],
        );
      }
      case 'ReLU': {
        const low = file.weights(`${name}/min`, [], Float32Array.of(0));
        return file.node('Clip', name, [
          x,
          low,
          file.weights(`${name}/max`, [], Float32Array.of(z.number().parse(config.max_value))),
        ]);
      }
      case 'Add':
        return file.node('Add', name, inputs);
      case 'Activation':
        z.literal('relu').parse(config.activation);
        return file.node('Relu', name, [x]);
      case 'Concatenate':
        z.literal(3).parse(config.axis);
        return file.node('Concat', name, inputs, { axis: 1 });
      case 'AveragePooling2D':
      case 'MaxPooling2D': {
        // Both frameworks leave the padding out of an average.
        const { pool_size, strides, padding } = pooling.parse(config);
        const isLast = lastPooling === name;
        return file.node(class_name === 'MaxPooling2D' ? 'MaxPool' : 'AveragePool', name, [x], {
          kernel_shape: pool_size,
          strides: isLast ? [1, 1] : strides,
          pads: pads(name, padding, pool_size, strides),
        });
      }
      case 'Flatten': {
        const nhwc = file.node('Transpose', `${name}/nhwc`, [x], { perm: [0, 2, 3, 1] });
        // Batch as it is, windows in rows, channels.
        return file.node('Reshape', name, [nhwc, file.ints(`${name}/shape`, [0, -1, channelsBeforeDense])]);
      }
      case 'Dropout':
        return x;
      case 'Dense': {
        const product = file.node('MatMul', `${name}/product`, [x, add(`${name}/kernel`)]);
        const sum = file.node('Add', `${name}/sum`, [product, add(`${name}/bias`)]);
        const activation = z.enum(['relu', 'softmax']).parse(config.activation);
        return activation === 'relu'
          ? file.node('Relu', name, [sum])
          : file.node('Softmax', name, [sum], { axis: 2 });
      }
      default:
        throw new Error(`layer ${name}: ${class_name} is not known to the converter`);
    }
  };

  for (const layer of model.layers) {
    const inputs = (layer.inbound_nodes[0] ?? []).map(([from]) => outputs.get(from) ?? from);
    last = convert(layer, inputs);
    outputs.set(layer.name, last);
  }
  return file.write(
    { name: 'image', dims: ['batch', 'height', 'width', 3] },
    { name: last, dims: ['batch', 'windows', classes] },
  );
}
