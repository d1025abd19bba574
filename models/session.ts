import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Tensor as NativeTensor } from 'onnxruntime-node';
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

interface NativePort {
  readonly name: string;
  readonly isTensor: boolean;
  /** Element type as TensorProto.DataType numbers it. */
  readonly type: number;
  /** -1 for a symbolic dimension. */
  readonly shape: readonly number[];
  readonly symbolicDimensions: readonly string[];
}

interface NativeSession {
  loadModel(path: string, options: object): void;
  readonly inputMetadata: readonly NativePort[];
  readonly outputMetadata: readonly NativePort[];
  run(
    feeds: Readonly<Record<string, NativeTensor>>,
    fetches: Readonly<Record<string, null>>,
    options: object,
  ): Record<string, NativeTensor>;
  dispose(): void;
}

/**
 * The package's own session hands every run to setImmediate and checks feeds again, which costs a tenth of a run
 * of half a millisecond; a run blocks the thread either way. So the layer below it is used, and `run` gives the
 * event loop its turn every few milliseconds instead of at every run. The package's version is pinned.
 */
const native = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js') as {
  initOrt(): void;
  readonly binding: { readonly InferenceSession: new () => NativeSession };
};

/**
 * A graph's threads await its next run spinning. Left alone they do so for tens of milliseconds, on cores that whatever
 * follows the run could use: marking a picture took 90 ms of CPU time instead of 52. A millisecond covers a scheduler's step.
 */
const THREADS_REST = { session: { intra_op: { spin_duration_us: '1000' } } } as const;

/** The event loop gets a turn when this long has passed since its last. */
const TURN_EVERY_MS = 8;
let lastTurn = 0;

const ELEMENT_TYPES: Readonly<Record<number, ElementType>> = {
  1: 'float32',
  2: 'uint8',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
};

function portOf({ name, isTensor, type, shape, symbolicDimensions }: NativePort): GraphPort {
  return {
    name,
    type: isTensor ? (ELEMENT_TYPES[type] ?? 'unsupported') : 'unsupported',
    dims: isTensor ? shape.map((side, i) => (side === -1 ? symbolicDimensions[i] : side)) : [],
  };
}

/** A feed already in the graph's own type, for inputs that stay the same from run to run. */
export class CastFeed {
  constructor(readonly tensor: NativeTensor) {}
}

type NativeData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

function cast(tensor: Tensor, port: GraphPort, path: string): NativeData {
  const { data } = tensor;
  switch (port.type) {
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
    case 'unsupported':
      throw new NodeError(
        'GRAPH_INPUT_UNEXPECTED',
        `${path}: its input "${port.name}" has the type ${port.type}, which is not supported`,
      );
  }
}

/**
 * A plain object in the shape of a tensor: the runtime takes it without the checks of its constructor, and for
 * float16 it is the one form that works on Node 20, 22 and 24 alike.
 */
function feed(tensor: Tensor, port: GraphPort, path: string): NativeTensor {
  const data = cast(tensor, port, path);
  return { type: port.type, data, dims: tensor.dims, location: 'cpu' } as unknown as NativeTensor;
}

function toFloats(tensor: NativeTensor): FloatTensor {
  const { data, dims } = tensor;
  if (data instanceof Float32Array) return { data, dims };
  if (tensor.type === 'float16') {
    // A Float16Array on Node 24, a Uint16Array before: the same bits.
    const raw = data as unknown as { buffer: ArrayBuffer; byteOffset: number; length: number };
    return { data: fromFloat16(new Uint16Array(raw.buffer, raw.byteOffset, raw.length)), dims };
  }
  return { data: Float32Array.from(data as unknown as ArrayLike<number | bigint>, Number), dims };
}

/** CUDA needs a provider library that the package does not carry; without it session creation only says "error". */
function checkDevice(options: DeviceOptions): void {
  if (options.device === 'cpu') return;
  const home = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const platform = join(home, 'bin', 'napi-v6', process.platform, process.arch);
  const library = join(platform, 'libonnxruntime_providers_cuda.so');
  if (existsSync(library)) return;
  throw new NodeError('DEVICE_UNAVAILABLE', `the CUDA provider library is not installed (${library})`, {
    hint: 'Install it with: ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node --ignore-scripts=false',
  });
}

const OUT_OF_MEMORY = /out of memory|bad_alloc|failed to allocate|CUDA failure 2\b/i;

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}

function runError(error: unknown, path: string): NodeError {
  const code = OUT_OF_MEMORY.test(String(error)) ? 'DEVICE_OUT_OF_MEMORY' : 'GRAPH_RUN_FAILED';
  return new NodeError(code, `${path}: ${firstLine(error)}`, { cause: error });
}

function loadError(error: unknown, path: string): NodeError {
  const code = OUT_OF_MEMORY.test(String(error)) ? 'DEVICE_OUT_OF_MEMORY' : 'GRAPH_LOAD_FAILED';
  return new NodeError(code, `${path}: ${firstLine(error)}`, { cause: error });
}

/** A loaded graph. Feeds are cast to the graph's own types; results are float32. */
export class GraphSession {
  readonly inputs: ReadonlyMap<string, GraphPort>;
  readonly outputs: readonly GraphPort[];
  readonly #ports: readonly GraphPort[];
  readonly #everything: Readonly<Record<string, null>>;

  private constructor(
    readonly path: string,
    private readonly session: NativeSession,
    private readonly meter: RunMeter,
  ) {
    this.#ports = session.inputMetadata.map(portOf);
    this.inputs = new Map(this.#ports.map((input) => [input.name, input]));
    this.outputs = session.outputMetadata.map(portOf);
    this.#everything = fetchesOf(this.outputs.map(({ name }) => name));
  }

  /**
   * Loads a graph from its path, so that external data beside it is found.
   * @throws GRAPH_LOAD_FAILED, DEVICE_UNAVAILABLE, DEVICE_OUT_OF_MEMORY
   */
  static async load(path: string, options: DeviceOptions, meter: RunMeter): Promise<GraphSession> {
    checkDevice(options);
    try {
      native.initOrt();
      const session = new native.binding.InferenceSession();
      session.loadModel(path, {
        executionProviders:
          options.device === 'cuda' ? [{ name: 'cuda', deviceId: options.deviceId ?? 0 }, 'cpu'] : ['cpu'],
        ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
        extra: THREADS_REST,
        logSeverityLevel: 3,
      });
      return new GraphSession(path, session, meter);
    } catch (error) {
      throw loadError(error, path);
    }
  }

  /** Whether the graph has an input of this name. */
  takes(input: string): boolean {
    return this.inputs.has(input);
  }

  /** Casts a tensor to the type of one input, once for many runs. An input that the graph lacks is passed over. */
  castFeed(name: string, tensor: Tensor): CastFeed | undefined {
    const port = this.inputs.get(name);
    return port === undefined ? undefined : new CastFeed(feed(tensor, port, this.path));
  }

  /**
   * Runs the graph once. A feed that the graph does not declare is left out, so that one pipeline serves
   * exports of different ages; an input that the graph wants and does not get is an error.
   * @throws GRAPH_INPUT_UNEXPECTED, GRAPH_RUN_FAILED, DEVICE_OUT_OF_MEMORY
   */
  async run(
    feeds: Readonly<Record<string, Tensor | CastFeed | undefined>>,
    wanted?: readonly string[],
  ): Promise<Record<string, FloatTensor>> {
    const cast: Record<string, NativeTensor> = {};
    for (const port of this.#ports) {
      const given = feeds[port.name];
      if (given === undefined) {
        throw new NodeError(
          'GRAPH_INPUT_UNEXPECTED',
          `${this.path}: nothing is known for its input "${port.name}"`,
        );
      }
      cast[port.name] = given instanceof CastFeed ? given.tensor : feed(given, port, this.path);
    }
    const fetches = wanted === undefined ? this.#everything : fetchesOf(wanted);
    if (performance.now() - lastTurn > TURN_EVERY_MS) {
      await new Promise(setImmediate);
      lastTurn = performance.now();
    }
    let results: Record<string, NativeTensor>;
    const start = performance.now();
    try {
      results = this.session.run(cast, fetches, NO_OPTIONS);
    } catch (error) {
      throw runError(error, this.path);
    } finally {
      this.meter.add(performance.now() - start);
    }
    const out: Record<string, FloatTensor> = {};
    for (const name in results) out[name] = toFloats(results[name]);
    return out;
  }

  /** Checks that the graph wants nothing but these inputs and has these outputs. @throws GRAPH_INPUT_UNEXPECTED */
  expect(inputs: readonly string[], outputs: readonly string[]): void {
    for (const { name } of this.#ports) {
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
    this.session.dispose();
  }
}

const NO_OPTIONS = {};

function fetchesOf(names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}
