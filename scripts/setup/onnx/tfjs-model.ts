import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { z } from 'zod';

const weight = z.object({
  name: z.string(),
  shape: z.array(z.number().int()),
  quantization: z.object({ min: z.number(), scale: z.number(), dtype: z.literal('uint8') }),
});
const layer = z.object({
  name: z.string(),
  class_name: z.string(),
  config: z.record(z.string(), z.unknown()),
  inbound_nodes: z.array(z.array(z.tuple([z.string(), z.number(), z.number(), z.unknown()]))),
});
const model = z.object({
  modelTopology: z.object({ model_config: z.object({ config: z.object({ layers: z.array(layer) }) }) }),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(weight) })),
});

export type TfjsLayer = z.infer<typeof layer>;

export interface TfjsWeights {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A TensorFlow.js layers model with its weights as float32. */
export interface TfjsModel {
  readonly layers: readonly TfjsLayer[];
  readonly weights: ReadonlyMap<string, TfjsWeights>;
}

/** The value a browserified data file exports, evaluated with nothing in reach. */
function exported(path: string): unknown {
  const context = createContext({ module: { exports: {} }, exports: {} });
  return runInContext(`${readFileSync(path, 'utf8')}\n;JSON.stringify(module.exports)`, context, {
    timeout: 60_000,
  });
}

/** Reads `model.min.js` and its shards, undoing the uint8 quantisation: value = min + scale · byte. */
export function readTfjsModel(folder: string): TfjsModel {
  const parsed = model.parse(JSON.parse(exported(join(folder, 'model.min.js')) as string));
  const weights = new Map<string, TfjsWeights>();
  for (const group of parsed.weightsManifest) {
    const shards = group.paths.map((path) =>
      Buffer.from(JSON.parse(exported(join(folder, `${path}.min.js`)) as string) as string, 'base64'),
    );
    const bytes = Buffer.concat(shards);
    let at = 0;
    for (const { name, shape, quantization } of group.weights) {
      const length = shape.reduce((product, size) => product * size, 1);
      const data = new Float32Array(length);
      for (let i = 0; i < length; i++) data[i] = quantization.min + quantization.scale * bytes[at + i];
      at += length;
      weights.set(name, { shape, data });
    }
    if (at !== bytes.length)
      throw new Error(`${folder}: the weights have ${bytes.length} bytes, the manifest tells of ${at}`);
  }
  return { layers: parsed.modelTopology.model_config.config.layers, weights };
}
