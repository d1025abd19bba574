"""Exports the trained networks as a pack: `export.py [FOLDER]` (the folder above this one by default).

Weights are stored as float16 and cast back to float32 when a graph loads, so graph edges and arithmetic stay float32."""
import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from autoencoder import DOWN, LATENT, Decoder, Encoder
from denoiser import Denoiser
from objects import WORK
from schedule import CONFIG
from text import HEADS, LAYERS, WIDTH, TextEncoder
from tokens import FOLDER, LENGTH, load
from upscaler import SCALE, Upscaler

NATIVE = [[512, 512], [640, 384], [384, 640], [576, 448], [448, 576], [256, 256], [320, 192], [192, 320], [288, 224], [224, 288]]
DEFAULTS = {"steps": 24, "guidanceScale": 1.8, "scheduler": "DPMSolverMultistepScheduler"}
WARMUP = [{"prompt": "a red sailboat on the sea at sunset", "width": 1024, "height": 1024}]


class Clamped(nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, latent_sample):
        return self.decoder(latent_sample).clamp(-1, 1)


def halve(path):
    """Rewrites a graph's large float32 weights as float16 followed by a cast."""
    model = onnx.load(path)
    casts, kept = [], []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < 256:
            kept.append(weight)
            continue
        small = numpy_helper.from_array(values.astype(np.float16), weight.name + "_f16")
        casts.append(helper.make_node("Cast", [small.name], [weight.name], name=weight.name + "_cast", to=TensorProto.FLOAT))
        kept.append(small)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save(model, path)
    onnx.checker.check_model(path)


def graph(net, inputs, names, outputs, dynamic, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    net.eval()
    torch.onnx.export(net, inputs, str(path), input_names=names, output_names=outputs, dynamic_axes=dynamic,
                      opset_version=18, dynamo=False, do_constant_folding=True)
    halve(str(path))


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def networks(pack):
    hw = {0: "batch", 2: "height", 3: "width"}
    text = TextEncoder(len(load()), LENGTH)
    text.load_state_dict(torch.load(WORK / "text.pt")["encoder"])
    graph(text, torch.full((2, LENGTH), len(load()) - 1), ["input_ids"], ["last_hidden_state", "pooler_output"],
          {"input_ids": {0: "batch", 1: "sequence"}, "last_hidden_state": {0: "batch", 1: "sequence"}, "pooler_output": {0: "batch"}},
          pack / "text_encoder/model.onnx")
    unet = Denoiser()
    unet.load_state_dict(torch.load(WORK / "denoiser.pt")["weights"])
    graph(unet, (torch.randn(2, LATENT, 12, 20), torch.tensor(500), torch.randn(2, LENGTH, WIDTH)),
          ["sample", "timestep", "encoder_hidden_states"], ["out_sample"],
          {"sample": hw, "encoder_hidden_states": {0: "batch", 1: "sequence"}, "out_sample": hw}, pack / "unet/model.onnx")
    decoder = Decoder()
    decoder.load_state_dict(torch.load(WORK / "autoencoder.pt")["decoder"])
    encoder = Encoder()
    encoder.load_state_dict(torch.load(WORK / "autoencoder.pt")["encoder"])
    graph(encoder, torch.rand(1, 3, 96, 160), ["sample"], ["latent_sample"], {"sample": hw, "latent_sample": hw}, pack / "vae_encoder/model.onnx")
    graph(Clamped(decoder), torch.randn(1, LATENT, 12, 20), ["latent_sample"], ["sample"],
          {"latent_sample": hw, "sample": hw}, pack / "vae_decoder/model.onnx")
    upscaler = Upscaler()
    if (WORK / "upscaler.pt").exists():
        upscaler.load_state_dict(torch.load(WORK / "upscaler.pt")["weights"])
    graph(upscaler, torch.rand(1, 3, 48, 80), ["sample"], ["out_sample"],
          {"sample": hw, "out_sample": hw}, pack / "upscaler/model.onnx")


def configs(pack):
    write(pack / "model_index.json", {
        "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.35.0", "feature_extractor": [None, None],
        "image_encoder": [None, None], "requires_safety_checker": False, "safety_checker": [None, None],
        "scheduler": ["diffusers", CONFIG["_class_name"]], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]})
    write(pack / "scheduler/scheduler_config.json", {**CONFIG, "_diffusers_version": "0.35.0"})
    write(pack / "text_encoder/config.json", {
        "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_size": WIDTH, "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS, "max_position_embeddings": LENGTH, "vocab_size": len(load()),
        "bos_token_id": len(load()) - 2, "eos_token_id": len(load()) - 1, "pad_token_id": len(load()) - 1})
    write(pack / "unet/config.json", {
        "_class_name": "UNet2DConditionModel", "in_channels": LATENT, "out_channels": LATENT, "sample_size": 64,
        "cross_attention_dim": WIDTH, "block_out_channels": [128, 192], "time_cond_proj_dim": None})
    for part in ("vae_encoder", "vae_decoder"):
        write(pack / part / "config.json", {
            "_class_name": "AutoencoderKL", "in_channels": 3, "out_channels": 3, "latent_channels": LATENT, "sample_size": 512,
            "scaling_factor": 1.0, "block_out_channels": [24, 64, 96, 128]})
    assert 2 ** (4 - 1) == DOWN
    write(pack / "upscaler/config.json", {"scale": SCALE, "restores": True})
    (pack / "tokenizer").mkdir(exist_ok=True)
    for file in FOLDER.iterdir():
        shutil.copy(file, pack / "tokenizer" / file.name)


def manifest(pack):
    files = {}
    for path in sorted(pack.rglob("*")):
        name = path.relative_to(pack).as_posix()
        if path.is_dir() or name.startswith("training/") or name in ("manifest.json", "MODEL_CARD.md") or "/." in f"/{name}":
            continue
        files[name] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    write(pack / "manifest.json", {
        "format": 1, "id": "starter-image", "version": "1.0.0", "kind": "image", "licence": "Apache-2.0",
        "attribution": ["Drawings in the training pictures: Noto Emoji, Copyright Google LLC, Apache License 2.0 (npm @iconify-json/noto 1.2.9)",
                        "Lighthouse and windmill drawings, scenes and weights: this project"],
        "nativeSizes": NATIVE, "defaults": DEFAULTS, "warmup": WARMUP, "files": files})
    total = sum(f["bytes"] for f in files.values())
    print(f"{len(files)} files, {total / 1e6:.1f} MB")
    assert total < 40e6, "the pack must stay under 40 MB"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    networks(folder)
    configs(folder)
    manifest(folder)
