"""Makes tiny randomly initialised pipelines with diffusers' own classes, and exports them.

    python scripts/goldens/tiny_packs.py FOLDER

FOLDER/diffusers/NAME is what diffusers loads, FOLDER/packs/NAME the pack of our exporter, FOLDER/optimum/NAME the
same in the layout of Optimum's exports, old and new. FOLDER/float16/sd has the graphs kept in tests/fixtures/float16-sd,
FOLDER/optimum-old/sd those in tests/fixtures/optimum-old-sd.
"""

import json
import shutil
import sys
import warnings
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Gemma2Config,
    Gemma2Model,
    GemmaTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

import diffusers as d

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "export"))
from export_pack import export_folder, write_manifest  # noqa: E402
from parts import Style  # noqa: E402

CLIP_LENGTH = 20
# Of texts without a limit of their own: T5's and Gemma's.
TEXT_LENGTH = 24
MERGES = ["l i", "li g", "h t</w>", "lig h", "s e", "s e</w>", "b l", "bl a", "n i", "t h", "th e</w>", "h o", "ho u"]


def shake(module: nn.Module, seed: int, gain: float = 1.0) -> nn.Module:
    """Random weights of a size at which every part counts; fresh layers start many of theirs at zero."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.ndim > 1:
            fan = parameter[0].numel()
            parameter.data = torch.randn(parameter.shape, generator=generator) * gain * fan**-0.5
        else:
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def clip_tokenizer(folder: Path, pad: str) -> CLIPTokenizer:
    """CLIP's alphabet and a few merges."""
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [c + "</w>" for c in alphabet]
    tokens += ["".join(rule.split()) for rule in MERGES]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(dict.fromkeys(tokens))}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": pad}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": CLIP_LENGTH, "do_lower_case": True, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return CLIPTokenizer.from_pretrained(folder)


def t5_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    words = ["a lighthouse by a black sea at night", "a red boat, blurry and grey"] * 3 + list("abcdefghijklmnopqrstuvwxyz")
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(words, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    settings = {"tokenizer_class": "T5TokenizerFast", "model_max_length": TEXT_LENGTH, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **special, model_max_length=TEXT_LENGTH)


def gemma_tokenizer(folder: Path) -> GemmaTokenizer:
    """Gemma's marks, all bytes, and what a few words taught."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    words = ["A lighthouse by a black sea at night", "User Prompt: a red boat, blurry and grey"] * 3
    tokenizer.train_from_iterator(words, trainers.BpeTrainer(vocab_size=60, show_progress=False))
    learned = json.loads(tokenizer.to_str())["model"]
    tokens = marks + [f"<0x{byte:02X}>" for byte in range(256)] + sorted(learned["vocab"], key=learned["vocab"].get)
    vocabulary = {token: i for i, token in enumerate(tokens)}
    made = GemmaTokenizer(vocab=vocabulary, merges=[tuple(rule) for rule in learned["merges"]], add_bos_token=True)
    made.save_pretrained(folder)
    return made


def qwen_tokenizer(folder: Path) -> Qwen2Tokenizer:
    """All bytes, a few rules, the marks of a conversation."""
    folder.mkdir(parents=True, exist_ok=True)
    rules = ["l i", "li g", "lig h", "s e", "b l", "bl a", "n i", "t h", "h o", "ho u", "Ġ a"]
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["".join(rule.split()) for rule in rules]
    vocabulary = {token: i for i, token in enumerate([*tokens, "<|endoftext|>", "<|im_start|>", "<|im_end|>"])}
    made = Qwen2Tokenizer(vocab=vocabulary, merges=[tuple(rule.split()) for rule in rules])
    made.add_tokens([AddedToken(token, special=True, normalized=False) for token in ("<|im_start|>", "<|im_end|>")])
    # Qwen3's template, as far as one message of a user goes.
    made.chat_template = (
        "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
        "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
    )
    made.save_pretrained(folder)
    return made


def clip_config(vocabulary: int, width: int, projection: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=2 * width, projection_dim=projection, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=CLIP_LENGTH, bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1, attn_implementation="eager",
    )  # fmt: skip


def clip_text(vocabulary: int, seed: int, width: int = 16) -> CLIPTextModel:
    return shake(CLIPTextModel(clip_config(vocabulary, width, width)), seed)


def clip_projected(vocabulary: int, seed: int, width: int = 16) -> CLIPTextModelWithProjection:
    return shake(CLIPTextModelWithProjection(clip_config(vocabulary, width, width)), seed)


def t5_text(vocabulary: int, seed: int, width: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=vocabulary, d_model=width, d_kv=8, d_ff=24, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    return shake(T5EncoderModel(config), seed)


def vae(channels: int, seed: int, **extra) -> d.AutoencoderKL:
    model = d.AutoencoderKL(
        block_out_channels=(4, 4, 8), down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=channels, norm_num_groups=2, layers_per_block=1, sample_size=32, **extra,
    )  # fmt: skip
    return shake(model, seed, 0.7)


def unet(seed: int, cross: int, **extra) -> d.UNet2DConditionModel:
    model = d.UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross, attention_head_dim=4, **extra,
    )  # fmt: skip
    return shake(model, seed, 0.7)


SCALED = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)


def stable_diffusion(root: Path, scheduler=None, **extra):
    tokenizer = clip_tokenizer(root / "tokenizer", "<|endoftext|>")
    return d.StableDiffusionPipeline(
        vae=vae(4, 3), text_encoder=clip_text(len(tokenizer), 1), tokenizer=tokenizer, unet=unet(2, 16, **extra),
        scheduler=scheduler or d.DDIMScheduler(**SCALED, clip_sample=False, set_alpha_to_one=False),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def v_prediction(root: Path):
    scheduler = d.EulerDiscreteScheduler(**SCALED, prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=True)
    return stable_diffusion(root, scheduler, use_linear_projection=True)


def turbo(root: Path):
    return stable_diffusion(root, d.EulerAncestralDiscreteScheduler(**SCALED, timestep_spacing="trailing"))


def consistency(root: Path):
    tokenizer = clip_tokenizer(root / "tokenizer", "<|endoftext|>")
    return d.LatentConsistencyModelPipeline(
        vae=vae(4, 3), text_encoder=clip_text(len(tokenizer), 1), tokenizer=tokenizer, unet=unet(2, 16, time_cond_proj_dim=8),
        scheduler=d.LCMScheduler(**SCALED), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def xl(root: Path):
    small = clip_tokenizer(root / "tokenizer", "<|endoftext|>")
    big = clip_tokenizer(root / "tokenizer_2", "!")
    cond = dict(
        addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 12,
        transformer_layers_per_block=(1, 2), use_linear_projection=True,
    )  # fmt: skip
    return d.StableDiffusionXLPipeline(
        vae=vae(4, 3), text_encoder=clip_text(len(small), 1), text_encoder_2=clip_projected(len(big), 4, 12),
        tokenizer=small, tokenizer_2=big, unet=unet(2, 28, **cond), scheduler=d.EulerDiscreteScheduler(**SCALED, timestep_spacing="leading"),
    )  # fmt: skip


def sd3(root: Path, t5: bool):
    small = clip_tokenizer(root / "tokenizer", "<|endoftext|>")
    big = clip_tokenizer(root / "tokenizer_2", "!")
    long = t5_tokenizer(root / "tokenizer_3") if t5 else None
    transformer = d.SD3Transformer2DModel(
        sample_size=8, patch_size=1, in_channels=4, out_channels=4, num_layers=2, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=32, caption_projection_dim=16, pooled_projection_dim=28, pos_embed_max_size=24,
        qk_norm="rms_norm" if t5 else None, dual_attention_layers=(0,) if t5 else (),
    )  # fmt: skip
    return d.StableDiffusion3Pipeline(
        transformer=shake(transformer, 2, 0.7), scheduler=d.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(4, 3, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_projected(len(small), 1, 16), tokenizer=small, text_encoder_2=clip_projected(len(big), 4, 12), tokenizer_2=big,
        text_encoder_3=t5_text(long.vocab_size, 5, 32) if t5 else None, tokenizer_3=long,
    )  # fmt: skip


def flux(root: Path, dev: bool):
    tokenizer = clip_tokenizer(root / "tokenizer", "<|endoftext|>")
    long = t5_tokenizer(root / "tokenizer_2")
    transformer = d.FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(2, 2, 4), guidance_embeds=dev,
    )  # fmt: skip
    shift = dict(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, shift=3.0) if dev else dict(shift=1.0)
    return d.FluxPipeline(
        transformer=shake(transformer, 2, 0.7), scheduler=d.FlowMatchEulerDiscreteScheduler(**shift),
        vae=vae(4, 3, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_text(len(tokenizer), 1), tokenizer=tokenizer, text_encoder_2=t5_text(long.vocab_size, 5, 32), tokenizer_2=long,
    )  # fmt: skip


def sana(root: Path):
    tokenizer = gemma_tokenizer(root / "tokenizer")
    text = Gemma2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, query_pre_attn_scalar=8, sliding_window=64, attn_implementation="eager",
    )  # fmt: skip
    transformer = d.SanaTransformer2DModel(
        sample_size=8, patch_size=1, in_channels=8, out_channels=8, num_layers=2, num_attention_heads=2, attention_head_dim=8,
        num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16, caption_channels=16,
    )  # fmt: skip
    blocks = dict(
        encoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8, 16),
        encoder_layers_per_block=(1, 1, 1), encoder_qkv_multiscales=((), (), (5,)),
        decoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"), decoder_block_out_channels=(8, 8, 16),
        decoder_layers_per_block=(1, 1, 1), decoder_qkv_multiscales=((), (), (5,)), decoder_norm_types="rms_norm",
    )  # fmt: skip
    return d.SanaPipeline(
        tokenizer=tokenizer, text_encoder=shake(Gemma2Model(text), 1), transformer=shake(transformer, 2, 0.7),
        vae=shake(d.AutoencoderDC(latent_channels=8, attention_head_dim=8, scaling_factor=0.41407, **blocks), 3, 0.7),
        scheduler=d.DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )  # fmt: skip


def z_image(root: Path):
    tokenizer = qwen_tokenizer(root / "tokenizer")
    text = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, attn_implementation="eager",
    )  # fmt: skip
    transformer = d.ZImageTransformer2DModel(
        in_channels=4, dim=32, n_layers=2, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=16,
        axes_dims=[8, 4, 4], axes_lens=[256, 32, 32],
    )  # fmt: skip
    shake(transformer, 2, 0.7)
    return d.ZImagePipeline(
        tokenizer=tokenizer, text_encoder=shake(Qwen3Model(text), 1), transformer=transformer,
        vae=vae(4, 3, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        scheduler=d.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )  # fmt: skip


PIPELINES = {
    "sd": stable_diffusion,
    "sd-v": v_prediction,
    "sd-turbo": turbo,
    "lcm": consistency,
    "sdxl": xl,
    "sd3": lambda root: sd3(root, True),
    "sd3-no-t5": lambda root: sd3(root, False),
    "flux-dev": lambda root: flux(root, True),
    "flux-schnell": lambda root: flux(root, False),
    "sana": sana,
    "z-image": z_image,
}


def has_t5(name: str) -> bool:
    return name.startswith(("sd3", "flux"))


def has_long_texts(name: str) -> bool:
    return has_t5(name) or name in ("sana", "z-image")


def layouts_of(name: str) -> tuple[str, ...]:
    """Sana came long after Optimum's first versions, and Z-Image is not exported by it."""
    later = {"sana": ("packs", "optimum"), "z-image": ("packs",)}
    return later.get(name, ("packs", "optimum", "optimum-old"))


def optimum_layout(source: Path, out: Path, old: bool) -> None:
    """What Optimum writes: no manifest of ours, its own class name, a timestep axis; of old versions, int32 ids."""
    style = Style(ids=torch.int32 if old else torch.int64, scalar_timestep=False, timestep=torch.int64 if old else torch.float32)
    index = export_folder(source, out, style=style, external_above=1 << 40 if old else 0)
    prefix = "Onnx" if old else "ORT"
    index["_class_name"] = prefix + index["_class_name"]
    (out / "model_index.json").write_text(json.dumps(index, indent=2))


def build(folder: Path, names) -> None:
    for name in names:
        source = folder / "diffusers" / name
        shutil.rmtree(source, ignore_errors=True)
        torch.manual_seed(0)
        pipeline = PIPELINES[name](source)
        pipeline.save_pretrained(source)
        out = folder / "packs" / name
        shutil.rmtree(out, ignore_errors=True)
        index = export_folder(source, out)
        write_manifest(out, index, f"tiny-{name}", "CC0-1.0", {"maxSequenceLength": TEXT_LENGTH} if has_long_texts(name) else None)
        for layout in layouts_of(name)[1:]:
            target = folder / layout / name
            shutil.rmtree(target, ignore_errors=True)
            optimum_layout(source, target, old=layout == "optimum-old")
        if name == "sd":
            shutil.rmtree(folder / "float16" / name, ignore_errors=True)
            export_folder(source, folder / "float16" / name, fp16=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    build(Path(sys.argv[1]), sys.argv[2:] or PIPELINES)
