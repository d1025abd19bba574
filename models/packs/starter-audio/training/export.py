"""Writes the trained starter audio pack as ONNX graphs.

    python export.py --work FOLDER --pack models/packs/starter-audio
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from film_graphs import AudioTransformer, Projection, TextAndMask, save_graph, write_json, write_manifest  # noqa: E402

from codec import FRAMES_PER_LATENT, HOP, LATENT_CHANNELS, LATENTS, RATE, SpectralDecoder  # noqa: E402
from train import HEAD, MAX_TOKENS, make_models, make_tokenizer  # noqa: E402

SCHEDULER = dict(
    _class_name="CosineDPMSolverMultistepScheduler",
    # The last step goes from here to silence at once: what is smaller is the decoder's own noise.
    sigma_min=0.4,
    sigma_max=80.0,
    sigma_data=1.0,
    sigma_schedule="exponential",
    num_train_timesteps=1000,
    solver_order=2,
    prediction_type="v_prediction",
    rho=7.0,
    solver_type="midpoint",
    lower_order_final=True,
    euler_at_final=False,
    final_sigmas_type="zero",
)


def load(work: Path):
    """The trained networks with their averaged weights, the tokenizer and the decoder."""
    tokenizer = make_tokenizer(work / "tokenizer.json")
    nets = make_models(tokenizer.get_vocab_size())
    saved = torch.load(work / "checkpoint.pt", weights_only=True)
    nets.load_state_dict(saved["average"])
    clips = np.load(work / "clips.npz")
    decoder = SpectralDecoder(torch.from_numpy(clips["mean"]), torch.from_numpy(clips["back"]))
    return nets.eval(), tokenizer, decoder.eval(), saved


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--pack", type=Path, required=True)
    given = arguments.parse_args()
    nets, tokenizer, decoder, saved = load(given.work)
    pack = given.pack
    text, width = nets["text_encoder"].config.d_model, 6 * HEAD
    with torch.no_grad():
        save_graph(
            TextAndMask(nets["text_encoder"]),
            dict(input_ids=torch.ones(2, 7, dtype=torch.long), attention_mask=torch.ones(2, 7, dtype=torch.long)),
            ["last_hidden_state"],
            dict(input_ids={0: "batch", 1: "text"}, attention_mask={0: "batch", 1: "text"}),
            pack / "text_encoder/model.onnx",
        )
        save_graph(
            Projection(nets["projection_model"]),
            dict(text_hidden_states=torch.randn(2, 7, text), start_seconds=torch.zeros(2), end_seconds=torch.ones(2)),
            ["projected_hidden_states", "seconds_start_hidden_states", "seconds_end_hidden_states"],
            dict(text_hidden_states={0: "batch", 1: "text"}, start_seconds={0: "batch"}, end_seconds={0: "batch"}),
            pack / "projection_model/model.onnx",
        )
        save_graph(
            AudioTransformer(nets["transformer"]),
            dict(
                sample=torch.randn(2, LATENT_CHANNELS, LATENTS),
                timestep=torch.tensor([0.5]),
                encoder_hidden_states=torch.randn(2, 9, width),
                global_hidden_states=torch.randn(2, 1, 2 * width),
                rotary_cos=torch.randn(LATENTS + 1, HEAD // 2),
                rotary_sin=torch.randn(LATENTS + 1, HEAD // 2),
            ),
            ["out_sample"],
            dict(sample={0: "batch"}, encoder_hidden_states={0: "batch", 1: "text"}, global_hidden_states={0: "batch"}),
            pack / "transformer/model.onnx",
        )
        save_graph(
            decoder,
            dict(latent_sample=torch.randn(1, LATENT_CHANNELS, LATENTS)),
            ["sample"],
            dict(latent_sample={2: "places"}),
            pack / "vae_decoder/model.onnx",
        )

    def config_of(model):
        return {key: value for key, value in dict(model.config).items() if not key.startswith("_")}

    write_json(pack / "transformer/config.json", config_of(nets["transformer"]))
    write_json(pack / "projection_model/config.json", config_of(nets["projection_model"]))
    write_json(pack / "text_encoder/config.json", dict(model_type="t5", d_model=text, vocab_size=tokenizer.get_vocab_size()))
    write_json(
        pack / "vae_decoder/config.json",
        dict(_class_name="SpectralDecoder", sampling_rate=RATE, audio_channels=2, downsampling_ratios=[FRAMES_PER_LATENT, HOP]),
    )
    write_json(pack / "scheduler/scheduler_config.json", SCHEDULER)
    write_json(
        pack / "model_index.json",
        {
            "_class_name": "StableAudioPipeline",
            "projection_model": ["stable_audio", "StableAudioProjectionModel"],
            "scheduler": ["diffusers", "CosineDPMSolverMultistepScheduler"],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "T5TokenizerFast"],
            "transformer": ["diffusers", "StableAudioDiTModel"],
            "vae_decoder": ["starter_audio", "SpectralDecoder"],
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
            id="starter-audio",
            version="1.0.0",
            kind="audio",
            licence="Apache-2.0",
            attribution=["Sounds, weights: this project; every clip is worked out by training/sounds.py, none is recorded"],
            defaults=dict(steps=25, guidanceScale=3.0),
        ),
    )
    print(json.dumps(dict(step=saved["step"], minutes=round(saved["spent"], 1))))


if __name__ == "__main__":
    main()
