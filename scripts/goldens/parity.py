"""Holds `zsky-node run --raw` to diffusers on the tiny pipelines that tiny_packs.py made.

    python scripts/goldens/parity.py FOLDER --report docs/parity.md          the whole matrix, as a table
    python scripts/goldens/parity.py FOLDER --fixtures tests/fixtures/packs  packs and goldens for the test suite

Needs a built node (npm run build); ZSKY_NODE names another program than bin/zsky-node.js.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers

import diffusers
from tiny_packs import PIPELINES, TEXT_LENGTH, has_long_texts, has_t5, layouts_of

ROOT = Path(__file__).resolve().parents[2]
NODE = os.environ.get("ZSKY_NODE", str(ROOT / "bin/zsky-node.js"))
PROMPT = "A lighthouse by a black sea at night"
NEGATIVE = "blurry, grey"
SEEDS = (0, 20261129)
STEPS = (1, 4, 25)
SIZES = ((32, 32), (48, 32))
TOLERANCE = 1e-3


def guidances(name: str) -> list[dict]:
    """Guidance off, and on with a negative prompt, in the words of each family."""
    if name == "lcm":
        return [{"guidanceScale": 1.0}, {"guidanceScale": 8.5, "negative": NEGATIVE}]
    if name == "flux-dev":
        return [{"guidanceScale": 1.0}, {"guidanceScale": 3.5, "trueGuidanceScale": 2.0, "negative": NEGATIVE}]
    if name == "flux-schnell":
        return [{"guidanceScale": 0.0}, {"guidanceScale": 0.0, "trueGuidanceScale": 2.0, "negative": NEGATIVE}]
    if name == "z-image":
        return [{"guidanceScale": 0.0}, {"guidanceScale": 5.0, "negative": NEGATIVE}]
    if name in ("sdxl", "sd-turbo"):
        return [{"guidanceScale": 0.0}, {"guidanceScale": 5.0, "negative": NEGATIVE}, {"guidanceScale": 5.0}]
    return [{"guidanceScale": 1.0}, {"guidanceScale": 7.5, "negative": NEGATIVE}]


def requests(name: str) -> list[dict]:
    # Sana's sides are multiples of 32.
    cases = itertools.product(SEEDS, STEPS, ((32, 32), (64, 32)) if name == "sana" else SIZES, guidances(name))
    return [
        {"prompt": PROMPT, "seed": seed, "steps": steps, "width": w, "height": h, **guidance}
        for seed, steps, (w, h), guidance in cases
    ]


def load(folder: Path, name: str):
    source = folder / "diffusers" / name
    index = json.loads((source / "model_index.json").read_text())
    given = {}
    for part in ("text_encoder_3", "tokenizer_3", "tokenizer_2"):
        if part in index and index[part][0] is None:
            given[part] = None
        elif has_t5(name) and (source / part / "tokenizer.json").exists() and not (source / part / "merges.txt").exists():
            # The tiny T5 tokenizer has no SentencePiece model, which its own class insists on.
            given[part] = transformers.PreTrainedTokenizerFast.from_pretrained(source / part)
    cls = getattr(diffusers, index["_class_name"])
    pipeline = cls.from_pretrained(source, low_cpu_mem_usage=False, local_files_only=True, **given)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def reference(pipeline, name: str, request: dict) -> np.ndarray:
    """diffusers' picture, `[3, H, W] float32` in 0..1."""
    extra = {}
    if has_long_texts(name):
        extra["max_sequence_length"] = TEXT_LENGTH
    if name == "sana":
        # Asked for what it was not trained at, diffusers draws another size and scales; the node does that apart.
        extra["use_resolution_binning"] = False
    if "trueGuidanceScale" in request:
        extra["true_cfg_scale"] = request["trueGuidanceScale"]
    # A consistency model takes no negative prompt at all.
    if "negative" in request and name != "lcm":
        extra["negative_prompt"] = request["negative"]
    picture = pipeline(
        request["prompt"],
        num_inference_steps=request["steps"],
        guidance_scale=request["guidanceScale"],
        width=request["width"],
        height=request["height"],
        generator=torch.Generator("cpu").manual_seed(request["seed"]),
        output_type="np",
        **extra,
    ).images[0]
    return picture.transpose(2, 0, 1)


def ours(pack: Path, requests: list[dict], scratch: Path) -> list[np.ndarray]:
    command = ["node", NODE, "run", "--pack", pack, "--threads", "1"]
    for i, request in enumerate(requests):
        (scratch / f"{i}.json").write_text(json.dumps(request))
        command += ["--request", scratch / f"{i}.json", "--raw", scratch / f"{i}.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{pack}: {done.stderr}")
    return [np.load(scratch / f"{i}.npy") for i in range(len(requests))]


def compare(folder: Path, names, layouts) -> list[dict]:
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            pipeline = load(folder, name)
            cases = [(request, reference(pipeline, name, request)) for request in requests(name)]
            contrast = float(np.median([picture.std() for _, picture in cases]))
            for layout in layouts:
                if layout not in layouts_of(name):
                    continue
                pack = with_short_texts(folder / layout / name, name, Path(scratch))
                mine = ours(pack, [request for request, _ in cases], Path(scratch))
                worst = [float(np.abs(own - picture).max()) for own, (_, picture) in zip(mine, cases)]
                rows.append(
                    {"class": type(pipeline).__name__, "name": name, "layout": layout, "cases": len(cases), "max": max(worst),
                     "median": float(np.median(worst)), "contrast": contrast}
                )  # fmt: skip
                for value, (request, _) in zip(worst, cases):
                    if not value <= TOLERANCE:
                        print(f"  {name} {layout} {request}: {value:.2e}", flush=True)
                print(f"{name:14} {layout:12} {len(cases)} cases: max {max(worst):.1e}, median {np.median(worst):.1e}", flush=True)
    return rows


def with_short_texts(pack: Path, name: str, scratch: Path) -> Path:
    """A plain export has no manifest, so a text would be given the family's whole length; the references are not."""
    if not has_long_texts(name) or (pack / "manifest.json").exists():
        return pack
    copy = scratch / "pack"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(pack, copy)
    content = {"format": 1, "id": "plain", "version": "1", "kind": "image", "licence": "CC0-1.0", "files": {}}
    (copy / "manifest.json").write_text(json.dumps({**content, "defaults": {"maxSequenceLength": TEXT_LENGTH}}))
    return copy


def revision() -> str:
    home = Path(diffusers.__file__).parent
    done = subprocess.run(["git", "-C", home, "rev-parse", "HEAD"], capture_output=True, text=True)
    return f"{diffusers.__version__} ({done.stdout.strip()[:12] or 'release'})"


BY_HAND = "\n<!-- from here on written by hand -->\n"
REPORT = """# Parity with diffusers

The same request through `zsky-node run --raw` and through diffusers on the CPU in float32, compared value by value
over the decoded picture (`[3, H, W]` in 0..1). The pipelines are tiny and randomly initialised, made with
diffusers' own classes; that their pictures are not flat is what the contrast column is for: the median standard
deviation of their values.

Every row is {seeds} seeds x steps {steps} x {sizes} pixels (Sana: 32x32 and 64x32) x guidance off and on with a negative prompt (for FLUX,
whose guidance is an input of the model, also classifier-free guidance on top; for SDXL and Turbo also guidance
without a negative prompt). The limit is {tolerance}.

Layouts: `packs` are made by this project's exporter; `optimum` has the names, axes and types of Optimum's exports,
its `ORT` class names, weights in external data, no manifest; `optimum-old` those of its first versions: int32 token
ids, an int64 timestep of one axis, `Onnx` class names.

| pipeline | tiny model | layout | cases | largest difference | median of the largest | contrast |
|---|---|---|--:|--:|--:|--:|
{rows}

diffusers {diffusers}, torch {torch}, onnxruntime-node {ort}. Made by `scripts/goldens/tiny_packs.py` and
`scripts/goldens/parity.py`; a part of it runs in `npm test` (`pipelines/parity.test.ts`).

Where a fractional timestep meets an export whose timestep is an integer (old exports with Euler, LMS or Heun), the
graph gets the nearest whole one, and diffusers gives its model the fraction. Such cases are not in the table: the
schedulers of the tiny packs have trailing or leading spacing, whose timesteps are whole. A run whose timesteps whole numbers
cannot tell apart, as those of EDM's schedulers between -2 and 2, is refused on such an export.

A guidance scale means what it means in the reference: 1 is none, but for Z-Image, whose scale counts from 0. Sana is
drawn at the asked size (`use_resolution_binning=False`; the node scales apart from the pipeline). Z-Image is not exported
by Optimum, so its graphs are our exporter's own.

`sd-v` has a zero terminal signal-to-noise ratio: Euler's method starts at a noise level of 4096, where float32 itself
carries no more than about 2e-4, which is what its largest difference comes from.
"""


def report(rows: list[dict], path: Path) -> None:
    lines = [
        f"| {r['class']} | {r['name']} | {r['layout']} | {r['cases']} | {r['max']:.1e} | {r['median']:.1e} | {r['contrast']:.2f} |"
        for r in rows
    ]
    # Sections below the mark are written by hand.
    rest = path.read_text().partition(BY_HAND)[2] if path.exists() else "\n"
    ort = json.loads((ROOT / "node_modules/onnxruntime-node/package.json").read_text())["version"]
    path.write_text(
        REPORT.format(
            seeds=len(SEEDS), steps=", ".join(map(str, STEPS)), sizes=" and ".join(f"{w}x{h}" for w, h in SIZES), tolerance=TOLERANCE,
            rows="\n".join(lines), diffusers=revision(), torch=torch.__version__, ort=ort,
        )  # fmt: skip
        + BY_HAND + rest
    )


def write_fixtures(folder: Path, out: Path, names) -> None:
    """The packs, and for each a few references as float16, whose rounding is a quarter of the limit at most."""
    for name in names:
        shutil.rmtree(out / name, ignore_errors=True)
        shutil.copytree(folder / "packs" / name, out / name)
        pipeline = load(folder, name)
        golden = []
        for request in requests(name):
            # Every seed, step count, size and guidance at least twice, in a quarter of the cases.
            if (request["width"] != request["height"]) != (request["seed"] != SEEDS[0]) or request["steps"] == 4:
                continue
            file = f"golden-{len(golden)}.u16"
            values = np.round(reference(pipeline, name, request) * 65535).astype("<u2")
            values.tofile(out / name / file)
            golden.append({"request": request, "file": file})
        (out / name / "goldens.json").write_text(json.dumps(golden, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--fixtures", type=Path)
    parser.add_argument("--names", nargs="+", default=list(PIPELINES))
    parser.add_argument("--layouts", nargs="+", default=["packs", "optimum", "optimum-old"])
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    diffusers.utils.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    diffusers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    if args.fixtures:
        write_fixtures(args.folder, args.fixtures, args.names)
        return
    rows = compare(args.folder, args.names, args.layouts)
    if args.report:
        report(rows, args.report)
    if any(not row["max"] <= TOLERANCE for row in rows):
        raise SystemExit("not all within the limit")


if __name__ == "__main__":
    main()
