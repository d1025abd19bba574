"""Takes up training from a shipped pack where the checkpoints in WORK are gone: `from_pack.py [PACK]`.

Writes WORK/text.pt, autoencoder.pt, denoiser.pt and upscaler.pt out of the weights in the graphs, and the tokenizer; what is there
already is left alone. What a graph lacks, as after a change of the networks, stays as it was initialised."""
import shutil
import sys
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from autoencoder import Decoder, Encoder
from denoiser import Denoiser
from layers import save
from objects import WORK
from text import Reader, TextEncoder
from tokens import FOLDER, LENGTH, load
from train_denoiser import fresh
from upscaler import Upscaler


def weights_of(path):
    """Weights by module path: named initialisers as they are, folded ones by the node that uses them."""
    graph = onnx.load(path).graph
    found = {i.name.removesuffix("_f16"): torch.from_numpy(numpy_helper.to_array(i).copy()).float() for i in graph.initializer
             if i.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)}
    for node in graph.node:
        module = node.name.rsplit("/", 1)[0].strip("/").split("/")
        # "/text/layers.0/qkv/MatMul" names its parts in full only after lists: "mix/mix.1" is mix.1.
        parts = [p for p, after in zip(module, [*module[1:], ""]) if not after.startswith(p + ".")]
        for given in node.input:
            if given.startswith("onnx::") and given in found:
                value = found[given]
                suffix, value = {"MatMul": ("weight", value.mT if value.ndim > 1 else value), "Mul": ("weight", value.flatten()), "Add": ("bias", value.flatten())}.get(node.op_type, (None, None))
                if suffix:
                    found.setdefault(".".join([*parts, suffix]), value.contiguous())
    return found


def fill(net, found, prefix="", also=None):
    """Copies what fits by name and shape; returns the names that did not get a value."""
    missing, found = [], {**found, **(also or {})}
    for name, value in net.state_dict().items():
        given = found.get(prefix + name)
        if given is not None and given.shape == value.shape:
            value.copy_(given)
        elif value.dtype.is_floating_point:
            missing.append(name)
    return missing


def main(pack):
    shutil.copytree(pack / "tokenizer", FOLDER, dirs_exist_ok=True)
    parts = ("text_encoder", "unet", "vae_encoder", "vae_decoder", "upscaler")
    text, unet, encoder, decoder, upscaler = (weights_of(pack / part / "model.onnx") for part in parts)

    def take(name, keep, **nets):
        """Fills networks with `(weights, prefix, more weights)` and writes their checkpoint."""
        for part, (net, *found) in nets.items():
            print(f"{name}, {part}: lacks", fill(net, *found) or "nothing")
        if not (WORK / name).exists():
            save(WORK / name, **keep({part: net.state_dict() for part, (net, *_) in nets.items()}), step=0, seconds=0.0)

    take("text.pt", dict, encoder=(TextEncoder(len(load()), LENGTH), text), reader=(Reader(), unet, "reader.", keys_of(pack)))
    take("autoencoder.pt", lambda s: {**s, "raw": s["decoder"], "trained": None},
         encoder=(Encoder(), encoder), decoder=(Decoder(), decoder, "decoder."))
    take("upscaler.pt", lambda s: {"raw": s["net"], "weights": s["net"]}, net=(Upscaler(), upscaler))
    net = Denoiser()
    if (WORK / "drawings").exists():
        fresh(net)
    take("denoiser.pt", lambda s: {"raw": s["net"], "weights": s["net"], "optimiser": None}, net=(net, unet, "", keys_of(pack)))


def keys_of(pack):
    """The reader's keys, which the exporter transposed into nameless matrices: known by the nodes that use them."""
    graph = onnx.load(pack / "unet/model.onnx").graph
    values = {i.name.removesuffix("_f16"): torch.from_numpy(numpy_helper.to_array(i).copy()).float() for i in graph.initializer}
    named = {"/reader/MatMul_2": "reader.thing_keys", "/reader/MatMul_3": "reader.colour_keys"}
    return {named[n.name]: values[n.input[1]].T.contiguous() for n in graph.node if n.name in named}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
