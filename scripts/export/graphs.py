"""One torch module as one ONNX graph: traced, tidied, compared with the module itself."""

from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

OPSET = 17
# Protobuf cannot hold 2 GiB; graphs near that keep their weights in a file beside them.
EXTERNAL_ABOVE_BYTES = 1_800_000_000
# Largest difference from torch on the graph's own scale: max |onnx - torch| / max(1, max |torch|).
TOLERANCE = {torch.float32: 1e-3, torch.float16: 5e-2}


@dataclass
class Edge:
    """An input of a graph: its name, an example, and the names of the axes that may change."""

    name: str
    example: torch.Tensor
    axes: dict[int, str]


class PlainRmsNorm(nn.Module):
    """torch.nn.RMSNorm in operations that the tracing exporter knows."""

    def __init__(self, norm: nn.RMSNorm):
        super().__init__()
        self.weight = norm.weight
        self.eps = norm.eps

    def forward(self, x):
        wide = x.float()
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        scaled = (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype)
        return scaled if self.weight is None else scaled * self.weight


def spell_out_norms(module: nn.Module) -> None:
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.RMSNorm:
                setattr(parent, name, PlainRmsNorm(child))


def unflatten(self, dim, sizes):
    """Tensor.unflatten as a reshape: the tracer would bake the example's other axes into it."""
    dim %= self.ndim
    return self.reshape(*self.shape[:dim], *sizes, *self.shape[dim + 1 :])


def tidy(model: onnx.ModelProto) -> None:
    """Short names and no traces of source files: in small graphs they weigh more than the weights."""
    kept = {value.name for value in (*model.graph.input, *model.graph.output)}
    short = {"": ""}

    def rename(names):
        return [name if name in kept else short.setdefault(name, f"v{len(short)}") for name in names]

    def walk(graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            tensor.name = rename([tensor.name])[0]
        for node in graph.node:
            node.name, node.doc_string = "", ""
            node.input[:], node.output[:] = rename(node.input), rename(node.output)
            del node.metadata_props[:]
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    walk(attribute.g)
                    for value in attribute.g.output:
                        value.name = rename([value.name])[0]
                # movedim and friends are traced with axes counted from the end, which a graph may not have.
                if node.op_type == "Transpose" and attribute.name == "perm":
                    attribute.ints[:] = [axis % len(attribute.ints) for axis in attribute.ints]
        del graph.value_info[:]

    walk(model.graph)
    for value in model.graph.output:
        # Shapes of outputs are inferred from the example; only their rank is sure.
        for axis in value.type.tensor_type.shape.dim:
            axis.Clear()


def save(model: onnx.ModelProto, path: Path, external_above: int) -> None:
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    if size > external_above:
        onnx.save(model, path, save_as_external_data=True, location="model.onnx_data", size_threshold=1024)
    else:
        onnx.save(model, path)


def export(
    module: nn.Module, edges: list[Edge], outputs: list[str], path: Path, external_above: int = EXTERNAL_ABOVE_BYTES
) -> float:
    """Writes the graph and returns its largest difference from the module; raises when that is too large."""
    path.parent.mkdir(parents=True, exist_ok=True)
    module = module.eval()
    spell_out_norms(module)
    examples = tuple(edge.example for edge in edges)
    with torch.no_grad(), mock.patch.object(torch.Tensor, "unflatten", unflatten):
        torch.onnx.export(
            module,
            examples,
            str(path),
            input_names=[edge.name for edge in edges],
            output_names=outputs,
            dynamic_axes={edge.name: edge.axes for edge in edges if edge.axes},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    # Models of more than 2 GiB are written with one file per weight.
    for stray in path.parent.iterdir():
        if stray.suffix not in (".json",) and stray != path:
            stray.unlink()
    tidy(model)
    save(model, path, external_above)
    return verify(module, edges, outputs, path)


def larger(edge: Edge) -> torch.Tensor:
    """The example with every axis grown that may be, so that a baked-in shape is found out."""
    example = edge.example
    for axis, name in edge.axes.items():
        if name in ("batch", "height", "width", "tokens", "text"):
            example = torch.cat([example, example], dim=axis)
    return example


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference on the expected values' own scale."""
    expected = expected.astype(np.float32)
    return float(np.abs(got.astype(np.float32) - expected).max()) / max(1.0, float(np.abs(expected).max()))


def hold(module: nn.Module, inputs: list[torch.Tensor], expected: torch.Tensor, what: str) -> None:
    """Raises when a part written anew for tracing does not answer as the original did."""
    with torch.no_grad():
        got = module.eval()(*inputs)
    off = difference(got.float().numpy(), expected.float().numpy())
    if not off <= TOLERANCE[dtype_of(module)]:
        raise SystemExit(f"{what}: what is traced differs from the original by {off:.2e} of its scale")


def verify(module: nn.Module, edges: list[Edge], outputs: list[str], path: Path) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    tolerance = TOLERANCE[torch.float16 if any(edge.example.dtype == torch.float16 for edge in edges) else dtype_of(module)]
    for inputs in ([edge.example for edge in edges], [larger(edge) for edge in edges]):
        with torch.no_grad():
            expected = module(*inputs)
        expected = expected if isinstance(expected, (tuple, list)) else [expected]
        got = session.run(outputs, {edge.name: value.numpy() for edge, value in zip(edges, inputs)})
        for name, mine, theirs in zip(outputs, got, expected):
            off = difference(mine, theirs.float().numpy())
            if not off <= tolerance:
                raise SystemExit(f"{path}: output {name} differs from torch by {off:.2e} of its scale")
            worst = max(worst, off)
    return worst


def dtype_of(module: nn.Module) -> torch.dtype:
    return torch.float16 if any(p.dtype == torch.float16 for p in module.parameters()) else torch.float32
