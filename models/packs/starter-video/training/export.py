"""Writes the trained starter video pack as ONNX graphs.

    python export.py --work FOLDER --pack models/packs/starter-video
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from film_graphs import RotaryGiven, TextOnly, save_graph, write_json, write_manifest  # noqa: E402

from decoder import CHANNELS, FRAMES_PER_LATENT, GRIDS, MotionDecoder  # noqa: E402
from train import (  # noqa: E402
    CELL,
    DEVIATION,
    HEAD,
    HEADS,
    MAX_TOKENS,
    MEAN,
    PATCH,
    SEEN,
    TEXT_WIDTH,
    make_models,
    make_tokenizer,
)

# Most of a motion is decided in the first steps, so the flow spends more of its steps there.
SCHEDULER = dict(_class_name="FlowMatchEulerDiscreteScheduler", num_train_timesteps=1000, shift=2.0, use_dynamic_shifting=False)
STEPS, GUIDANCE = 20, 2.0


def load(work: Path):
    """The trained networks with their averaged weights and the tokenizer."""
    tokenizer = make_tokenizer(work / "tokenizer.json")
    nets = make_models(tokenizer.get_vocab_size())
    saved = torch.load(work / "checkpoint.pt", weights_only=True)
    nets.load_state_dict(saved["average"])
    return nets.eval(), tokenizer, saved


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--pack", type=Path, required=True)
    given = arguments.parse_args()
    nets, tokenizer, saved = load(given.work)
    pack = given.pack
    width = HEADS * HEAD
    tokens = (len(CHANNELS) + SEEN) * PATCH * PATCH
    with torch.no_grad():
        save_graph(
            TextOnly(nets["text_encoder"]),
            dict(input_ids=torch.ones(2, 7, dtype=torch.long)),
            ["last_hidden_state"],
            dict(input_ids={0: "batch", 1: "text"}),
            pack / "text_encoder/model.onnx",
        )
        save_graph(
            RotaryGiven(nets["transformer"]),
            dict(
                hidden_states=torch.randn(2, 30, tokens),
                encoder_hidden_states=torch.randn(2, MAX_TOKENS, TEXT_WIDTH),
                timestep=torch.tensor([500.0, 500.0]),
                encoder_attention_mask=torch.ones(2, MAX_TOKENS),
                rotary_cos=torch.randn(1, 30, width),
                rotary_sin=torch.randn(1, 30, width),
            ),
            ["out_hidden_states"],
            dict(
                hidden_states={0: "batch", 1: "places"},
                encoder_hidden_states={0: "batch", 1: "text"},
                timestep={0: "batch"},
                encoder_attention_mask={0: "batch", 1: "text"},
                rotary_cos={1: "places"},
                rotary_sin={1: "places"},
            ),
            pack / "transformer/model.onnx",
        )
        save_graph(
            MotionDecoder(),
            dict(
                latent_sample=torch.randn(1, len(CHANNELS), 4, 6, 10),
                keyframe=torch.rand(1, 3, 100, 160),
                frame_index=torch.arange(3.0),
            ),
            ["sample"],
            dict(
                latent_sample={2: "latent_frames", 3: "rows", 4: "columns"},
                keyframe={2: "height", 3: "width"},
                frame_index={0: "frames"},
            ),
            pack / "vae_decoder/model.onnx",
        )
    config = dict(nets["transformer"].config)
    write_json(pack / "transformer/config.json", {k: v for k, v in config.items() if not k.startswith("_")})
    write_json(pack / "text_encoder/config.json", dict(model_type="t5", d_model=TEXT_WIDTH, vocab_size=tokenizer.get_vocab_size()))
    write_json(
        pack / "vae_decoder/config.json",
        dict(
            _class_name="MotionDecoder",
            latent_channels=len(CHANNELS),
            spatial_compression_ratio=CELL,
            temporal_compression_ratio=FRAMES_PER_LATENT,
            latents_mean=[round(value, 6) for value in MEAN.tolist()],
            latents_std=[round(value, 6) for value in DEVIATION.tolist()],
            grids=[list(grid) for grid in GRIDS],
        ),
    )
    write_json(pack / "scheduler/scheduler_config.json", SCHEDULER)
    write_json(
        pack / "model_index.json",
        {
            "_class_name": "LTXPipeline",
            "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "T5TokenizerFast"],
            "transformer": ["diffusers", "LTXVideoTransformer3DModel"],
            "vae_decoder": ["starter_video", "MotionDecoder"],
        },
    )
    (pack / "tokenizer").mkdir(exist_ok=True)
    shutil.copy(given.work / "tokenizer.json", pack / "tokenizer/tokenizer.json")
    write_json(
        pack / "tokenizer/tokenizer_config.json",
        dict(tokenizer_class="T5Tokenizer", pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=MAX_TOKENS),
    )
    write_manifest(
        pack,
        dict(
            id="starter-video",
            version="1.0.0",
            kind="video",
            licence="Apache-2.0",
            attribution=["Motions, pictures, weights: this project; every clip is worked out by the code in training/"],
            defaults=dict(steps=STEPS, guidanceScale=GUIDANCE, framesPerSecond=24),
        ),
    )
    print(json.dumps(dict(step=saved["step"], minutes=round(saved["spent"], 1))))


if __name__ == "__main__":
    main()
