"""Turns a local diffusers folder into a model pack of ONNX graphs.

    python scripts/export/export_pack.py SRC OUT [--fp16] [--id NAME] [--licence TEXT]

Each graph is run by ONNX Runtime and compared with torch before the next one is made.
"""

import argparse
import hashlib
import importlib
import json
import re
import shutil
import warnings
from pathlib import Path

import torch

import graphs
import parts

# Length of the example texts: what CLIP takes.
CLIP_TOKENS = 77
TEXT_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")
TOKENIZERS = ("tokenizer", "tokenizer_2", "tokenizer_3")
# Pipelines that read the states of the layer before the last.
READS_LAYERS = ("StableDiffusionXLPipeline", "StableDiffusion3Pipeline")
SUPPORTED = (
    "StableDiffusionPipeline",
    "StableDiffusionXLPipeline",
    "LatentConsistencyModelPipeline",
    "StableDiffusion3Pipeline",
    "FluxPipeline",
    "SanaPipeline",
    "ZImagePipeline",
)
# What a caller gets who asks for nothing in particular; the same as diffusers' own.
DEFAULTS = {
    "StableDiffusionPipeline": (50, 7.5),
    "StableDiffusionXLPipeline": (50, 5.0),
    "LatentConsistencyModelPipeline": (4, 8.5),
    "StableDiffusion3Pipeline": (28, 7.0),
    "FluxPipeline": (28, 3.5),
    "SanaPipeline": (20, 4.5),
    "ZImagePipeline": (50, 5.0),
}
# The graph of each pipeline's `transformer` folder.
TRANSFORMERS = {
    "StableDiffusion3Pipeline": parts.mmdit_part,
    "FluxPipeline": parts.flux_part,
    "SanaPipeline": parts.linear_dit_part,
    "ZImagePipeline": parts.z_image_part,
}


def load_part(source: Path, name: str, library: str, class_name: str, dtype: torch.dtype):
    cls = getattr(importlib.import_module(library), class_name)
    # Eager attention traces to plain products and softmax, which ONNX Runtime fuses again.
    extra = {"attn_implementation": "eager"} if library == "transformers" else {"low_cpu_mem_usage": False}
    part = cls.from_pretrained(source / name, torch_dtype=dtype, local_files_only=True, **extra).eval()
    # Some classes of diffusers load in float32 whatever is asked; transformers keep in it what would overflow.
    return part if library == "transformers" or part.dtype == dtype else part.to(dtype)


def write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def save_config(part, path: Path) -> None:
    config = part.config.to_dict() if hasattr(part.config, "to_dict") else dict(part.config)
    plain = {key: value for key, value in config.items() if not key.startswith("_") or key == "_class_name"}
    plain.pop("dtype", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain, indent=2, sort_keys=True, default=str) + "\n")


def text_graph(encoder, style: parts.Style, class_name: str):
    name = type(encoder).__name__
    if name.startswith("Gemma"):
        return parts.gemma_part(encoder, style, CLIP_TOKENS)
    if name.startswith("Qwen"):
        return parts.qwen_part(encoder, style, CLIP_TOKENS)
    tokens = getattr(encoder.config, "max_position_embeddings", None) or 32
    return parts.text_part(encoder, style, min(tokens, CLIP_TOKENS), class_name in READS_LAYERS)


def export_folder(
    source: Path,
    out: Path,
    fp16: bool = False,
    style: parts.Style | None = None,
    external_above: int = graphs.EXTERNAL_ABOVE_BYTES,
) -> dict:
    """Writes graphs, configs, tokenizers and model_index.json; returns the index."""
    style = style or parts.Style()
    dtype = torch.float16 if fp16 else torch.float32
    index = json.loads((source / "model_index.json").read_text())
    class_name = index["_class_name"]
    if class_name not in SUPPORTED:
        raise SystemExit(f"{source}: {class_name} is not supported; supported are {', '.join(SUPPORTED)}")
    out.mkdir(parents=True, exist_ok=True)
    present = {name: value for name, value in index.items() if isinstance(value, list) and value[0] is not None}

    def write(name: str, part, made) -> None:
        module, edges, outputs = made
        difference = graphs.export(module, edges, outputs, out / name / "model.onnx", external_above)
        save_config(part, out / name / "config.json")
        print(f"{name}: largest difference from torch {difference:.1e} of its scale")

    # Part by part, each freed before the next, so that the largest part is what has to fit in memory.
    for name in TEXT_ENCODERS:
        if name in present:
            # Gemma's states overflow in half precision.
            gemma = "Gemma" in present[name][1]
            encoder = load_part(source, name, *present[name], torch.float32 if gemma else dtype)
            write(name, encoder, text_graph(encoder, style, class_name))
    if "unet" in present:
        unet = load_part(source, "unet", *present["unet"], dtype)
        write("unet", unet, parts.unet_part(unet, style, CLIP_TOKENS))
        del unet
    if "transformer" in present:
        # Z-Image's activations overflow in half precision.
        whole = class_name == "ZImagePipeline"
        transformer = load_part(source, "transformer", *present["transformer"], torch.float32 if whole else dtype)
        write("transformer", transformer, TRANSFORMERS[class_name](transformer, style, CLIP_TOKENS))
        del transformer
    vae = load_part(source, "vae", *present["vae"], torch.float32)
    # Some autoencoders overflow in half precision and say so.
    if fp16 and not vae.config.get("force_upcast", True):
        vae = vae.half()
    write("vae_decoder", vae, parts.decoder_part(vae))

    for name in TOKENIZERS:
        if name in present:
            shutil.copytree(source / name, out / name, dirs_exist_ok=True)
    shutil.copytree(source / "scheduler", out / "scheduler", dirs_exist_ok=True)
    write_json(out / "model_index.json", index)
    return index


def write_manifest(out: Path, index: dict, name: str, licence: str, extra_defaults: dict | None = None) -> None:
    steps, guidance = DEFAULTS[index["_class_name"]]
    side = native_side(out)
    files = {
        path.relative_to(out).as_posix(): {"sha256": digest(path), "bytes": path.stat().st_size}
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    write_json(
        out / "manifest.json",
        {
            "format": 1,
            "id": name,
            "version": "1",
            "kind": "image",
            "licence": licence,
            "attribution": [],
            "nativeSizes": native_sizes(side),
            "defaults": {"steps": steps, "guidanceScale": guidance, **(extra_defaults or {})},
            "warmup": [{"prompt": "a lighthouse by the sea", "width": side, "height": side}],
            "files": files,
        },
    )


def native_side(out: Path) -> int:
    part = "unet" if (out / "unet").exists() else "transformer"
    config = json.loads((out / part / "config.json").read_text())
    vae = json.loads((out / "vae_decoder/config.json").read_text())
    # FLUX and Z-Image name no size; they were trained around a megapixel.
    blocks = vae.get("encoder_block_out_channels") or vae["block_out_channels"]
    return (config.get("sample_size") or 128) * 2 ** (len(blocks) - 1)


def native_sizes(side: int) -> list[list[int]]:
    if side < 512:
        return [[side, side]]
    shapes = [(1, 1), (5, 4), (4, 5), (3, 2), (2, 3), (16, 9), (9, 16)]
    return [[round(side * (w / h) ** 0.5 / 64) * 64, round(side * (h / w) ** 0.5 / 64) * 64] for w, h in shapes]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="diffusers folder: model_index.json and one folder for each part")
    parser.add_argument("out", type=Path, help="folder of the pack, made if need be")
    parser.add_argument("--fp16", action="store_true", help="half-precision graphs; autoencoders that overflow stay in float32")
    parser.add_argument("--id", help="name of the pack; OUT's name if not given")
    parser.add_argument("--licence", default="unknown", help="licence of the weights, as an SPDX name or a line of text")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    if not (args.source / "model_index.json").exists():
        raise SystemExit(f"{args.source} is not a diffusers folder: it has no model_index.json")
    name = args.id or re.sub(r"[^a-z0-9.-]+", "-", args.out.resolve().name.lower()).strip("-.") or "pack"
    index = export_folder(args.source, args.out, args.fp16)
    write_manifest(args.out, index, name, args.licence)
    print(f"{args.out}: pack {name} of {index['_class_name']}")


if __name__ == "__main__":
    main()
