"""Film and sound models of diffusers as ONNX graphs in the layout that the node's pipelines run.

Used by the starter packs' export and by the parity goldens.
"""

import hashlib
import json
from pathlib import Path

import onnx
import torch
from torch import nn


class PlainRmsNorm(nn.Module):
    """torch.nn.RMSNorm spelled out, which the tracing exporter does not know."""

    def __init__(self, norm):
        super().__init__()
        self.weight, self.eps = norm.weight, norm.eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def spell_out_norms(model: nn.Module) -> None:
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.RMSNorm:
                setattr(parent, name, PlainRmsNorm(child))


def shorten_names(graph) -> None:
    """Traced names repeat the whole module path; in a tiny graph they weigh more than the weights."""
    kept = {value.name for value in (*graph.input, *graph.output)}
    short: dict[str, str] = {"": ""}

    def rename(names) -> list[str]:
        return [name if name in kept else short.setdefault(name, f"t{len(short)}") for name in names]

    for tensor in graph.initializer:
        tensor.name = rename([tensor.name])[0]
    for node in graph.node:
        assert not any(attribute.HasField("g") for attribute in node.attribute)
        node.name, node.doc_string = "", ""
        node.input[:], node.output[:] = rename(node.input), rename(node.output)


def save_graph(model: nn.Module, inputs: dict, outputs: list[str], dynamic: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    spell_out_norms(model)
    # The tracing exporter: the other one cannot prove that time steps and hidden states share their batch.
    torch.onnx.export(
        model.eval(), tuple(inputs.values()), path, input_names=list(inputs), output_names=outputs, dynamic_axes=dynamic, dynamo=False, opset_version=17
    )
    graph = onnx.load(path)
    shorten_names(graph.graph)
    for node in graph.graph.node:
        # movedim is traced with axes counted from the end, which a graph may not have.
        for attribute in node.attribute:
            if node.op_type == "Transpose" and attribute.name == "perm":
                attribute.ints[:] = [axis % len(attribute.ints) for axis in attribute.ints]
    del graph.graph.value_info[:]
    onnx.save(graph, path)
    print(f"{path}: {path.stat().st_size} bytes")


class TextOnly(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids):
        return self.encoder(input_ids=input_ids).last_hidden_state


class TextAndMask(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class RotaryGiven(nn.Module):
    """The LTX transformer with its rotary tables as inputs."""

    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, hidden_states, encoder_hidden_states, timestep, encoder_attention_mask, rotary_cos, rotary_sin):
        kept = self.transformer.rope
        self.transformer.rope = Given((rotary_cos, rotary_sin))
        try:
            return self.transformer(
                hidden_states, encoder_hidden_states, timestep, encoder_attention_mask, return_dict=False
            )[0]
        finally:
            self.transformer.rope = kept


class Given(nn.Module):
    def __init__(self, tables):
        super().__init__()
        self.tables = tables

    def forward(self, *_):
        return self.tables


class Decode(nn.Module):
    """An autoencoder's decoder."""

    def __init__(self, vae):
        super().__init__()
        self.decoder = vae.decoder

    def forward(self, latent_sample):
        return self.decoder(latent_sample)


class Projection(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, text_hidden_states, start_seconds, end_seconds):
        out = self.model(text_hidden_states=text_hidden_states, start_seconds=start_seconds, end_seconds=end_seconds)
        return out.text_hidden_states, out.seconds_start_hidden_states, out.seconds_end_hidden_states


class AudioTransformer(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, sample, timestep, encoder_hidden_states, global_hidden_states, rotary_cos, rotary_sin):
        return self.model(
            sample, timestep, encoder_hidden_states=encoder_hidden_states, global_hidden_states=global_hidden_states,
            rotary_embedding=(rotary_cos, rotary_sin), return_dict=False,
        )[0]  # fmt: skip


def write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


PARTS = ("scheduler", "text_encoder", "tokenizer", "projection_model", "transformer", "vae_decoder")


def write_manifest(pack: Path, about: dict) -> None:
    """manifest.json: what the pack is, and size and digest of every file that the node reads."""
    files = [pack / "model_index.json"]
    files += sorted(path for part in PARTS for path in (pack / part).glob("*") if path.is_file())
    listed = {
        str(path.relative_to(pack)): dict(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), bytes=path.stat().st_size)
        for path in files
    }
    write_json(pack / "manifest.json", dict(format=1, **about, files=listed))
