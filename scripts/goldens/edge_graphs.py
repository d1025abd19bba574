"""Makes the graphs of a few nodes that the session's tests run: python scripts/goldens/edge_graphs.py tests/fixtures/graphs"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(nodes, inputs, outputs, path: Path, weights=(), **how) -> None:
    graph = helper.make_graph(nodes, "edges", inputs, outputs, list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path, **how)


def edges(out: Path, name: str, number: int, ids: int) -> None:
    """sum = sample * scale + sum(ids)"""
    value = helper.make_tensor_value_info
    save(
        [
            helper.make_node("Mul", ["sample", "scale"], ["scaled"]),
            helper.make_node("Cast", ["ids"], ["numbers"], to=number),
            helper.make_node("ReduceSum", ["numbers"], ["total"], keepdims=0),
            helper.make_node("Add", ["scaled", "total"], ["sum"]),
        ],
        [value("sample", number, ["batch", 3]), value("scale", number, []), value("ids", ids, [2])],
        [value("sum", number, ["batch", 3])],
        out / f"{name}.onnx",
    )


def external(out: Path) -> None:
    """sum = sample + weight, the weight in a file of its own."""
    value = helper.make_tensor_value_info
    (out / "external.onnx_data").unlink(missing_ok=True)
    save(
        [helper.make_node("Add", ["sample", "weight"], ["sum"])],
        [value("sample", TensorProto.FLOAT, ["batch", 3])],
        [value("sum", TensorProto.FLOAT, ["batch", 3])],
        out / "external.onnx",
        [numpy_helper.from_array(np.array([1, 2, 3], np.float32), "weight")],
        save_as_external_data=True,
        location="external.onnx_data",
        size_threshold=0,
    )


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    edges(out, "float32", TensorProto.FLOAT, TensorProto.INT64)
    edges(out, "float16", TensorProto.FLOAT16, TensorProto.INT32)
    external(out)
