import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { NodeError } from '../core/errors.js';
import type { RunMeter } from './run-meter.js';
import { fromFloat16, toFloat16 } from './tensor/float16.js';
import type { ElementType, FloatTensor, Tensor } from './tensor/tensor.js';

/** The one file that knows ONNX Runtime: loading, casting at the edges, running, coded errors. */

export interface DeviceOptions {
  readonly device: 'cpu' | 'cuda';
  readonly deviceId?: number;
  /** Threads inside one graph run; 0 leaves it to ONNX Runtime. */
  readonly threads?: number;
}

/** One input or output as the graph declares it; a symbolic dimension is its name. */
export interface GraphPort {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
}

type NativeData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

function cast(tensor: Tensor, type: ElementType): NativeData {
  const { data } = tensor;
  switch (type) {
    case 'float32':
      return data instanceof Float32Array ? data : Float32Array.from(data);
    case 'float16':
      return toFloat16(data);
    case 'int64': {
      const out = new BigInt64Array(data.length);
      for (let i = 0; i < data.length; i++) out[i] = BigInt(Math.round(data[i]));
      return out;
    }
    case 'int32':
      return data instanceof Int32Array ? data : Int32Array.from(data);
    case 'bool':
    case 'uint8':
      return Uint8Array.from(data);
    case 'string':
      throw new NodeError('GRAPH_INPUT_UNEXPECTED', 'graphs with text inputs are not supported');
  }
}

/** float16 as `{type, dims, location, data}` works on Node 20, 22 and 24; the constructor does not on 24. */
function native(type: ElementType, data: NativeData, dims: readonly number[]): ort.Tensor {
  if (type === 'float16') return { type, data, dims, location: 'cpu' } as unknown as ort.Tensor;
  return new ort.Tensor(type as 'float32', data as Float32Array, dims);
}

function toFloats(tensor: ort.Tensor): FloatTensor {
  const { data, dims } = tensor;
  if (data instanceof Float32Array) return { data, dims };
  if (data instanceof Uint16Array) return { data: fromFloat16(data), dims };
  if (tensor.type === 'float16') {
    const raw = data as unknown as { buffer: ArrayBuffer; byteOffset: number; length: number };
    return { data: fromFloat16(new Uint16Array(raw.buffer, raw.byteOffset, raw.length)), dims };
  }
  return { data: Float32Array.from(data as unknown as ArrayLike<number | bigint>, Number), dims };
}

/** CUDA needs a provider library that the package does not carry; without it session creation only says "error". */
function checkDevice(options: DeviceOptions): void {
  if (options.device === 'cpu') return;
  const home = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const library = join(
    home,
    'bin',
    'napi-v6',
    process.platform,
    process.arch,
    'libonnxruntime_providers_cuda.so',
  );
  if (existsSync(library)) return;
  throw new NodeError('DEVICE_UNAVAILABLE', `the CUDA provider library is not installed (${library})`, {
    hint: 'Install it with: ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node --ignore-scripts=false',
  });
}

function runError(error: unknown, path: string): NodeError {
  const text = error instanceof Error ? error.message : String(error);
  const memory = /out of memory|bad_alloc|failed to allocate|CUDA failure 2/i.test(text);
  return new NodeError(
    memory ? 'DEVICE_OUT_OF_MEMORY' : 'GRAPH_RUN_FAILED',
    `${path}: ${text.split('\n')[0]}`,
    { cause: error },
  );
}

/** A loaded graph. Feeds are cast to the graph's own types; results are float32. */
export class GraphSession {
  readonly inputs: ReadonlyMap<string, GraphPort>;
  readonly outputs: readonly GraphPort[];

  private constructor(
    readonly path: string,
    private readonly session: ort.InferenceSession,
    private readonly meter: RunMeter,
  ) {
    const port = (meta: ort.InferenceSession.ValueMetadata): GraphPort =>
      meta.isTensor
        ? { name: meta.name, type: meta.type as ElementType, dims: meta.shape }
        : { name: meta.name, type: 'string', dims: [] };
    this.inputs = new Map(session.inputMetadata.map((meta) => [meta.name, port(meta)]));
    this.outputs = session.outputMetadata.map(port);
  }

  /**
   * Loads a graph from its path, so that external data beside it is found.
   * @throws GRAPH_LOAD_FAILED, DEVICE_UNAVAILABLE
   */
  static async load(path: string, options: DeviceOptions, meter: RunMeter): Promise<GraphSession> {
    checkDevice(options);
    try {
      const session = await ort.InferenceSession.create(path, {
        executionProviders:
          options.device === 'cuda' ? [{ name: 'cuda', deviceId: options.deviceId ?? 0 }, 'cpu'] : ['cpu'],
        ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
        logSeverityLevel: 3,
      });
      return new GraphSession(path, session, meter);
    } catch (error) {
      throw new NodeError('GRAPH_LOAD_FAILED', `${path}: ${(error as Error).message.split('\n')[0]}`, {
        cause: error,
      });
    }
  }

  /**
   * Runs the graph once. An input that the graph does not declare is left out, so that one pipeline serves
   * exports of different ages; an input that the graph wants and does not get is an error.
   * @throws GRAPH_INPUT_UNEXPECTED, GRAPH_RUN_FAILED, DEVICE_OUT_OF_MEMORY
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    wanted?: readonly string[],
  ): Promise<Record<string, FloatTensor>> {
    const nativeFeeds: Record<string, ort.Tensor> = {};
    for (const port of this.inputs.values()) {
      const tensor = feeds[port.name];
      if (tensor === undefined)
        throw new NodeError(
          'GRAPH_INPUT_UNEXPECTED',
          `${this.path}: nothing is known for its input "${port.name}"`,
        );
      nativeFeeds[port.name] = native(port.type, cast(tensor, port.type), tensor.dims);
    }
    let results: ort.InferenceSession.OnnxValueMapType;
    const start = performance.now();
    try {
      results =
        wanted === undefined
          ? await this.session.run(nativeFeeds)
          : await this.session.run(nativeFeeds, wanted);
    } catch (error) {
      throw runError(error, this.path);
    } finally {
      this.meter.add(performance.now() - start);
    }
    const out: Record<string, FloatTensor> = {};
    for (const name in results) out[name] = toFloats(results[name] as ort.Tensor);
    return out;
  }

  /** Checks that the graph wants nothing but these inputs and has these outputs. @throws GRAPH_INPUT_UNEXPECTED */
  expect(inputs: readonly string[], outputs: readonly string[]): void {
    for (const name of this.inputs.keys()) {
      if (!inputs.includes(name)) {
        throw new NodeError(
          'GRAPH_INPUT_UNEXPECTED',
          `${this.path} has an unexpected input "${name}" (known: ${inputs.join(', ')})`,
        );
      }
    }
    const have = this.outputs.map((port) => port.name);
    for (const name of outputs) {
      if (!have.includes(name)) {
        throw new NodeError(
          'GRAPH_INPUT_UNEXPECTED',
          `${this.path} has no output "${name}" (it has ${have.join(', ')})`,
        );
      }
    }
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
