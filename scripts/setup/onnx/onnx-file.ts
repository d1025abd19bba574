import protobuf from 'protobufjs';

/** The part of onnx.proto3 that a converted classifier needs; field numbers are ONNX's own. */
const SCHEMA = `
syntax = "proto3";
message OperatorSet { string domain = 1; int64 version = 2; }
message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated OperatorSet opset_import = 8; }
message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; }
message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated float floats = 7; repeated int64 ints = 8; int32 type = 20; }
message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message ValueInfo { string name = 1; TypeProto type = 2; }
message TypeProto { TensorType tensor_type = 1; }
message TensorType { int32 elem_type = 1; Shape shape = 2; }
message Shape { repeated Dimension dim = 1; }
message Dimension { int64 dim_value = 1; string dim_param = 2; }
`;
const MODEL = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('Model');

const FLOAT = 1;
const INT64 = 7;
/** Opset 13 is the first whose every operator used here takes its parameters as converted. */
const OPSET = 13;
const IR_VERSION = 7;

type AttributeValue = number | readonly number[];

interface Port {
  readonly name: string;
  readonly dims: readonly (number | string)[];
}

/** Collects nodes and weights of a graph and writes them as an ONNX file. */
export class OnnxFile {
  readonly #nodes: object[] = [];
  readonly #weights: object[] = [];

  /** Adds a node with one output and gives that output's name. Whole-number attributes are ints. */
  node(
    type: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    floats: readonly string[] = [],
  ): string {
    const attribute = Object.entries(attributes).map(([key, value]) => {
      if (typeof value !== 'number') return { name: key, ints: value, type: 7 };
      return floats.includes(key) ? { name: key, f: value, type: 1 } : { name: key, i: value, type: 2 };
    });
    this.#nodes.push({ op_type: type, name, input: inputs, output: [name], attribute });
    return name;
  }

  /** Adds float32 weights and gives their name. */
  weights(name: string, dims: readonly number[], data: Float32Array): string {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#weights.push({ name, dims, data_type: FLOAT, raw_data: raw });
    return name;
  }

  /** Adds int64 values and gives their name. */
  ints(name: string, values: readonly number[]): string {
    const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#weights.push({ name, dims: [values.length], data_type: INT64, raw_data: raw });
    return name;
  }

  /** The file's bytes. A dimension with a name is free. */
  write(input: Port, output: Port): Uint8Array {
    const info = ({ name, dims }: Port) => ({
      name,
      type: {
        tensor_type: {
          elem_type: FLOAT,
          shape: {
            dim: dims.map((dim) => (typeof dim === 'string' ? { dim_param: dim } : { dim_value: dim })),
          },
        },
      },
    });
    const graph = {
      node: this.#nodes,
      name: 'classifier',
      initializer: this.#weights,
      input: [info(input)],
      output: [info(output)],
    };
    const model = {
      ir_version: IR_VERSION,
      producer_name: 'zsky-node',
      graph,
      opset_import: [{ domain: '', version: OPSET }],
    };
    return MODEL.encode(MODEL.fromObject(model)).finish();
  }
}
