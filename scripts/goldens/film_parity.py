"""Makes the tiny random LTX and Stable Audio packs that the film pipelines are held to, with diffusers' own results.

    python scripts/goldens/film_parity.py tests/fixtures

Writes tests/fixtures/tiny-ltx and tests/fixtures/tiny-stable-audio: the packs as ONNX graphs and golden.json with
binary files of the noise that went in and the frames or waveform that came out. Needs torch, onnx, transformers
and diffusers.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    AutoencoderOobleck,
    CosineDPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    StableAudioDiTModel,
    StableAudioPipeline,
)
from diffusers.pipelines.stable_audio import StableAudioProjectionModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models/packs"))
from film_graphs import (  # noqa: E402
    AudioTransformer,
    Decode,
    Projection,
    RotaryGiven,
    TextAndMask,
    TextOnly,
    save_graph,
    write_json,
)

PROMPT = "A lighthouse beam sweeps over the sea."
WORDS = ["a lighthouse beam sweeps over the sea", "rain falls on the city at night", "A Tokyo alley, photorealistic."]


def make_tokenizer(folder: Path, max_length: int) -> PreTrainedTokenizerFast:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator(WORDS * 3 + [c for c in "abcdefghijklmnopqrstuvwxyz"], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = dict(
        tokenizer_class="T5Tokenizer", pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=max_length
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))
    return PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), **{k: v for k, v in settings.items() if k != "tokenizer_class"}
    )


def shake(module: nn.Module, seed: int) -> nn.Module:
    """Random weights of a size that makes every part count; fresh layers start many of theirs at zero."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.ndim > 1:
            fan = parameter[0].numel()
            parameter.data = torch.randn(parameter.shape, generator=generator) * (1.0 / fan) ** 0.5
        else:
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def config_of(model) -> dict:
    return {key: value for key, value in dict(model.config).items() if not key.startswith("_")}


def tiny_t5(vocabulary: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=vocabulary, d_model=24, d_kv=8, d_ff=37, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    return shake(T5EncoderModel(config), 1)


def ltx(root: Path) -> None:
    tokenizer = make_tokenizer(root / "tokenizer", 16)
    text = tiny_t5(tokenizer.vocab_size)
    transformer = shake(
        LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=10,
            cross_attention_dim=20,
            num_layers=2,
            caption_channels=24,
        ),
        2,
    )
    vae = shake(
        AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(4, 4, 4, 4),
            decoder_block_out_channels=(4, 4, 4, 4),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, False, False),
            decoder_spatio_temporal_scaling=(True, True, False, False),
            patch_size=1,
        ),
        3,
    )
    generator = torch.Generator().manual_seed(4)
    vae.latents_mean = 0.3 * torch.randn(8, generator=generator)
    vae.latents_std = 0.8 + 0.4 * torch.rand(8, generator=generator)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, shift_terminal=0.1)
    pipeline = LTXPipeline(scheduler, vae, text, tokenizer, transformer)
    pipeline.set_progress_bar_config(disable=True)

    steps, width, height, frames, fps, guidance = 3, 32, 32, 9, 24, 3.0
    tokens = ((frames - 1) // 4 + 1) * (height // 4) * (width // 4)
    latents = torch.randn(1, tokens, 8, generator=torch.Generator().manual_seed(5))

    def run(length, packed):
        return pipeline(
            prompt=PROMPT, negative_prompt="", width=width, height=height, num_frames=length, frame_rate=fps, num_inference_steps=steps,
            guidance_scale=guidance, latents=packed.clone(), max_sequence_length=16, output_type="pt",
        ).frames[0].permute(0, 2, 3, 1).numpy()  # fmt: skip

    plain = run(frames, latents)
    vae.enable_tiling(tile_sample_min_height=24, tile_sample_min_width=24, tile_sample_stride_height=16, tile_sample_stride_width=16)
    tiled = run(frames, latents)
    vae.use_tiling = False
    assert np.abs(plain - tiled).max() > 0.01, "tiling must show, or the test of it tests nothing"

    b, n, s = "batch", "text", "places"
    save_graph(TextOnly(text), dict(input_ids=torch.ones(2, 7, dtype=torch.long)), ["last_hidden_state"], dict(input_ids={0: b, 1: n}), root / "text_encoder/model.onnx")
    inputs = dict(
        hidden_states=torch.randn(2, 30, 8),
        encoder_hidden_states=torch.randn(2, 16, 24),
        timestep=torch.tensor([500.0, 500.0]),
        encoder_attention_mask=torch.ones(2, 16),
        rotary_cos=torch.randn(1, 30, 20),
        rotary_sin=torch.randn(1, 30, 20),
    )
    dynamic = dict(
        hidden_states={0: b, 1: s},
        encoder_hidden_states={0: b, 1: n},
        timestep={0: b},
        encoder_attention_mask={0: b, 1: n},
        rotary_cos={1: s},
        rotary_sin={1: s},
    )
    save_graph(RotaryGiven(transformer), inputs, ["out_hidden_states"], dynamic, root / "transformer/model.onnx")
    save_graph(Decode(vae), dict(latent_sample=torch.randn(1, 8, 3, 6, 10)), ["sample"], dict(latent_sample={2: "frames", 3: "height", 4: "width"}), root / "vae_decoder/model.onnx")

    write_json(root / "transformer/config.json", config_of(transformer))
    settings = config_of(vae)
    settings.update(latents_mean=vae.latents_mean.tolist(), latents_std=vae.latents_std.tolist())
    write_json(root / "vae_decoder/config.json", settings)
    write_json(root / "text_encoder/config.json", {k: v for k, v in text.config.to_dict().items() if k in ("d_model", "vocab_size", "model_type")})
    write_json(root / "scheduler/scheduler_config.json", {"_class_name": "FlowMatchEulerDiscreteScheduler", **config_of(scheduler)})
    write_json(
        root / "model_index.json",
        {
            "_class_name": "LTXPipeline",
            "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "T5TokenizerFast"],
            "transformer": ["diffusers", "LTXVideoTransformer3DModel"],
            "vae_decoder": ["diffusers", "AutoencoderKLLTXVideo"],
        },
    )
    (root / "noise.f32").write_bytes(latents.numpy().tobytes())
    for name, video in (("plain", plain), ("tiled", tiled)):
        (root / f"{name}.u16").write_bytes(np.round(np.clip(video, 0, 1) * 65535).astype("<u2").tobytes())
    write_json(root / "golden.json", dict(prompt=PROMPT, steps=steps, width=width, height=height, frames=frames, framesPerSecond=fps, guidance=guidance, tile=24, tileStride=16))


class RecordedNoise:
    """Stands in for the Brownian tree: unit normal noise of a known seed, one draw a step."""

    def __init__(self, shape, seed):
        self.generator, self.shape, self.drawn = torch.Generator().manual_seed(seed), shape, []

    def __call__(self, *_):
        self.drawn.append(torch.randn(self.shape, generator=self.generator))
        return self.drawn[-1]


def stable_audio(root: Path) -> None:
    tokenizer = make_tokenizer(root / "tokenizer", 24)
    text = tiny_t5(tokenizer.vocab_size)
    length, channels, head = 40, 6, 12
    transformer = shake(
        StableAudioDiTModel(
            sample_size=length,
            in_channels=channels,
            out_channels=channels,
            num_layers=2,
            attention_head_dim=head,
            num_attention_heads=2,
            num_key_value_attention_heads=1,
            cross_attention_dim=16,
            cross_attention_input_dim=16,
            global_states_input_dim=32,
            time_proj_dim=16,
        ),
        2,
    )
    projection = shake(StableAudioProjectionModel(24, 16, 0, 32), 3)
    vae = shake(
        AutoencoderOobleck(
            encoder_hidden_size=6,
            downsampling_ratios=[4, 8],
            decoder_channels=6,
            decoder_input_channels=channels,
            audio_channels=2,
            channel_multiples=[1, 2],
            sampling_rate=640,
        ),
        4,
    )
    vae.decoder.conv2.weight_g.data *= 0.1
    scheduler = CosineDPMSolverMultistepScheduler(sigma_min=0.3, sigma_max=50)
    pipeline = StableAudioPipeline(vae, text, projection, tokenizer, transformer, scheduler)
    pipeline.set_progress_bar_config(disable=True)

    steps, guidance, seconds = 6, 4.0, 1.5
    noise = torch.randn(1, channels, length, generator=torch.Generator().manual_seed(5))
    results, drawn = {}, None
    for name, negative in (("plain", None), ("negative", "the city")):
        recorded = RecordedNoise((1, channels, length), 6)
        set_timesteps = scheduler.set_timesteps

        def with_noise(*args, **kwargs):
            set_timesteps(*args, **kwargs)
            scheduler.noise_sampler = recorded

        scheduler.set_timesteps = with_noise
        results[name] = pipeline(
            prompt=PROMPT, negative_prompt=negative, audio_end_in_s=seconds, num_inference_steps=steps, guidance_scale=guidance, latents=noise.clone(), output_type="np"
        ).audios[0]  # fmt: skip
        scheduler.set_timesteps = set_timesteps
        drawn = torch.cat(recorded.drawn).numpy()
    print("waveform peak", {name: float(np.abs(audio).max()) for name, audio in results.items()}, results["plain"].shape)

    b, n, s = "batch", "text", "places"
    save_graph(
        TextAndMask(text),
        dict(input_ids=torch.ones(2, 7, dtype=torch.long), attention_mask=torch.ones(2, 7, dtype=torch.long)),
        ["last_hidden_state"],
        dict(input_ids={0: b, 1: n}, attention_mask={0: b, 1: n}),
        root / "text_encoder/model.onnx",
    )
    save_graph(
        Projection(projection),
        dict(text_hidden_states=torch.randn(2, 7, 24), start_seconds=torch.zeros(2), end_seconds=torch.ones(2)),
        ["projected_hidden_states", "seconds_start_hidden_states", "seconds_end_hidden_states"],
        dict(text_hidden_states={0: b, 1: n}, start_seconds={0: b}, end_seconds={0: b}),
        root / "projection_model/model.onnx",
    )
    save_graph(
        AudioTransformer(transformer),
        dict(
            sample=torch.randn(2, channels, length),
            timestep=torch.tensor([0.5]),
            encoder_hidden_states=torch.randn(2, 9, 16),
            global_hidden_states=torch.randn(2, 1, 32),
            rotary_cos=torch.randn(length + 1, head // 2),
            rotary_sin=torch.randn(length + 1, head // 2),
        ),
        ["out_sample"],
        dict(sample={0: b}, encoder_hidden_states={0: b, 1: n}, global_hidden_states={0: b}),
        root / "transformer/model.onnx",
    )
    save_graph(Decode(vae), dict(latent_sample=torch.randn(1, channels, length)), ["sample"], dict(latent_sample={2: s}), root / "vae_decoder/model.onnx")

    write_json(root / "transformer/config.json", config_of(transformer))
    write_json(root / "projection_model/config.json", config_of(projection))
    write_json(root / "vae_decoder/config.json", config_of(vae))
    write_json(root / "text_encoder/config.json", {k: v for k, v in text.config.to_dict().items() if k in ("d_model", "vocab_size", "model_type")})
    write_json(root / "scheduler/scheduler_config.json", {"_class_name": "CosineDPMSolverMultistepScheduler", **config_of(scheduler)})
    write_json(
        root / "model_index.json",
        {
            "_class_name": "StableAudioPipeline",
            "projection_model": ["stable_audio", "StableAudioProjectionModel"],
            "scheduler": ["diffusers", "CosineDPMSolverMultistepScheduler"],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "T5TokenizerFast"],
            "transformer": ["diffusers", "StableAudioDiTModel"],
            "vae_decoder": ["diffusers", "AutoencoderOobleck"],
        },
    )
    (root / "noise.f32").write_bytes(noise.numpy().tobytes())
    (root / "step-noise.f32").write_bytes(drawn.tobytes())
    for name, audio in results.items():
        (root / f"{name}.f32").write_bytes(np.ascontiguousarray(audio, "<f4").tobytes())
    write_json(root / "golden.json", dict(prompt=PROMPT, negative="the city", steps=steps, guidance=guidance, durationMs=int(seconds * 1000), sampleRateHz=640))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        target = Path(sys.argv[1])
        ltx(target / "tiny-ltx")
        stable_audio(target / "tiny-stable-audio")
