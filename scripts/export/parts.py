"""The parts of diffusers' pipelines as modules with plain inputs and outputs, named as Optimum names them."""

from dataclasses import dataclass

import torch
from torch import nn

from graphs import Edge

BATCH = 2


@dataclass
class Style:
    """Where exports of different tools and ages differ."""

    ids: torch.dtype = torch.int64
    # A scalar timestep, or one of shape [1] or [batch].
    scalar_timestep: bool = True
    timestep: torch.dtype = torch.float32


class ClipText(nn.Module):
    """A CLIP text encoder; states of all layers where a pipeline reads them."""

    def __init__(self, encoder, layers: bool):
        super().__init__()
        self.encoder = encoder
        self.layers = layers
        count = encoder.config.num_hidden_layers
        projected = "Projection" in type(encoder).__name__
        self.outputs = ["text_embeds", "last_hidden_state"] if projected else ["last_hidden_state", "pooler_output"]
        if layers:
            self.outputs += [f"hidden_states.{i}" for i in (count - 1, count)]

    def forward(self, input_ids):
        out = self.encoder(input_ids=input_ids, output_hidden_states=self.layers)
        values = [getattr(out, name) for name in self.outputs[:2]]
        if self.layers:
            values += [out.hidden_states[-2], out.hidden_states[-1]]
        return tuple(values)


class T5Text(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids):
        return self.encoder(input_ids=input_ids).last_hidden_state


class GemmaText(nn.Module):
    """A language model read as a text encoder: its masks spelled out, the last layer's states after its norm."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        # As diffusers runs it: with torch's own attention, which knows no cap on its logits.
        for layer in model.layers:
            layer.self_attn.attn_logit_softcapping = None

    def forward(self, input_ids, attention_mask):
        order = torch.arange(input_ids.shape[1])
        distance = order[:, None] - order[None, :]
        kept = attention_mask[:, None, None, :].bool() & (distance >= 0)
        near = kept & (distance < self.model.config.sliding_window)
        lowest = torch.finfo(self.model.dtype).min
        masks = {
            name: torch.zeros(seen.shape, dtype=self.model.dtype).masked_fill(~seen, lowest)
            for name, seen in (("full_attention", kept), ("sliding_attention", near))
        }
        return self.model(input_ids=input_ids, attention_mask=masks, use_cache=False).last_hidden_state


class Unet(nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet
        self.distilled = unet.config.time_cond_proj_dim is not None
        self.sized = unet.config.addition_embed_type == "text_time"

    def forward(self, sample, timestep, encoder_hidden_states, *rest):
        rest = list(rest)
        cond = rest.pop(0) if self.distilled else None
        added = {"text_embeds": rest[0], "time_ids": rest[1]} if self.sized else None
        return self.unet(
            sample, timestep, encoder_hidden_states, timestep_cond=cond, added_cond_kwargs=added, return_dict=False
        )[0]


class Mmdit(nn.Module):
    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, hidden_states, encoder_hidden_states, pooled_projections, timestep):
        return self.transformer(hidden_states, encoder_hidden_states, pooled_projections, timestep, return_dict=False)[0]


class LinearDit(nn.Module):
    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, hidden_states, encoder_hidden_states, encoder_attention_mask, timestep):
        return self.transformer(
            hidden_states, encoder_hidden_states, timestep, encoder_attention_mask=encoder_attention_mask, return_dict=False
        )[0]


class AxisRotary(nn.Module):
    """FLUX's rotary tables in operations that trace well: each frequency stands twice, side by side."""

    def __init__(self, embed):
        super().__init__()
        self.frequencies = nn.ParameterList()
        for width in embed.axes_dim:
            exponents = torch.arange(0, width, 2, dtype=torch.float64) / width
            self.frequencies.append(nn.Parameter((embed.theta**-exponents).float(), requires_grad=False))

    def forward(self, ids):
        angles = torch.cat([ids[:, i : i + 1].float() * row for i, row in enumerate(self.frequencies)], dim=-1)
        twice = angles.unsqueeze(-1).expand(-1, -1, 2).flatten(1)
        return twice.cos(), twice.sin()


class Flux(nn.Module):
    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer
        transformer.pos_embed = AxisRotary(transformer.pos_embed)

    def forward(self, hidden_states, encoder_hidden_states, pooled_projections, timestep, img_ids, txt_ids, guidance=None):
        return self.transformer(
            hidden_states, encoder_hidden_states, pooled_projections, timestep, img_ids, txt_ids, guidance, return_dict=False
        )[0]


class Decoder(nn.Module):
    """An autoencoder's way from latents to pixels."""

    def __init__(self, vae):
        super().__init__()
        self.after_quant = vae.post_quant_conv if getattr(vae, "post_quant_conv", None) is not None else nn.Identity()
        self.decoder = vae.decoder

    def forward(self, latent_sample):
        return self.decoder(self.after_quant(latent_sample))


def text_part(encoder, style: Style, tokens: int, layers: bool):
    clip = "CLIP" in type(encoder).__name__
    ids = torch.randint(1, encoder.config.vocab_size, (BATCH, tokens)).to(style.ids)
    # CLIP pools at the end token, which by convention has the largest id.
    ids[:, -1] = encoder.config.vocab_size - 1
    module = ClipText(encoder, layers) if clip else T5Text(encoder)
    # CLIP has a table of positions, so only T5 takes texts of any length.
    edges = [Edge("input_ids", ids, {0: "batch", 1: "sequence" if clip else "text"})]
    return module, edges, module.outputs if clip else ["last_hidden_state"]


def gemma_part(model, style: Style, tokens: int):
    ids = torch.randint(1, model.config.vocab_size, (BATCH, tokens)).to(style.ids)
    mask = torch.ones_like(ids)
    mask[0, tokens // 2 :] = 0
    axes = {0: "batch", 1: "text"}
    return GemmaText(model), [Edge("input_ids", ids, axes), Edge("attention_mask", mask, axes)], ["last_hidden_state"]


def timestep_edge(style: Style, per_sample: bool, value: float) -> Edge:
    if style.scalar_timestep and not per_sample:
        return Edge("timestep", torch.tensor(value, dtype=style.timestep), {})
    count = BATCH if per_sample else 1
    axes = {0: "batch" if per_sample else "steps"}
    return Edge("timestep", torch.full((count,), value, dtype=torch.float32 if per_sample else style.timestep), axes)


def unet_part(unet, style: Style, tokens: int):
    config, dtype = unet.config, unet.dtype
    side = 2 ** (len(config.block_out_channels) - 1) * 2
    edges = [
        Edge("sample", torch.randn(BATCH, config.in_channels, side, side, dtype=dtype), {0: "batch", 2: "height", 3: "width"}),
        timestep_edge(style, False, 500),
        Edge("encoder_hidden_states", torch.randn(BATCH, tokens, config.cross_attention_dim, dtype=dtype), {0: "batch", 1: "text"}),
    ]
    if config.time_cond_proj_dim is not None:
        edges.append(Edge("timestep_cond", torch.randn(BATCH, config.time_cond_proj_dim, dtype=dtype), {0: "batch"}))
    if config.addition_embed_type == "text_time":
        pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        edges.append(Edge("text_embeds", torch.randn(BATCH, pooled, dtype=dtype), {0: "batch"}))
        ids = torch.tensor([[64, 64, 0, 0, 64, 64]] * BATCH, dtype=dtype)
        edges.append(Edge("time_ids", ids, {0: "batch"}))
    return Unet(unet), edges, ["out_sample"]


def mmdit_part(transformer, style: Style, tokens: int):
    config, dtype = transformer.config, transformer.dtype
    side = config.patch_size * 4
    edges = [
        Edge("hidden_states", torch.randn(BATCH, config.in_channels, side, side, dtype=dtype), {0: "batch", 2: "height", 3: "width"}),
        Edge("encoder_hidden_states", torch.randn(BATCH, tokens, config.joint_attention_dim, dtype=dtype), {0: "batch", 1: "text"}),
        Edge("pooled_projections", torch.randn(BATCH, config.pooled_projection_dim, dtype=dtype), {0: "batch"}),
        timestep_edge(style, True, 500),
    ]
    return Mmdit(transformer), edges, ["out_hidden_states"]


def linear_dit_part(transformer, style: Style, tokens: int):
    config, dtype = transformer.config, transformer.dtype
    side = config.patch_size * 4
    mask = torch.ones(BATCH, tokens, dtype=style.ids)
    mask[0, tokens // 2 :] = 0
    edges = [
        Edge("hidden_states", torch.randn(BATCH, config.in_channels, side, side, dtype=dtype), {0: "batch", 2: "height", 3: "width"}),
        Edge("encoder_hidden_states", torch.randn(BATCH, tokens, config.caption_channels, dtype=dtype), {0: "batch", 1: "text"}),
        Edge("encoder_attention_mask", mask, {0: "batch", 1: "text"}),
        timestep_edge(style, True, 500),
    ]
    return LinearDit(transformer), edges, ["out_hidden_states"]


def flux_part(transformer, style: Style, tokens: int):
    config, dtype = transformer.config, transformer.dtype
    rows = columns = 4
    positions = torch.zeros(rows, columns, 3)
    positions[..., 1] += torch.arange(rows)[:, None]
    positions[..., 2] += torch.arange(columns)[None, :]
    edges = [
        Edge("hidden_states", torch.randn(1, rows * columns, config.in_channels, dtype=dtype), {0: "batch", 1: "tokens"}),
        Edge("encoder_hidden_states", torch.randn(1, tokens, config.joint_attention_dim, dtype=dtype), {0: "batch", 1: "text"}),
        Edge("pooled_projections", torch.randn(1, config.pooled_projection_dim, dtype=dtype), {0: "batch"}),
        Edge("timestep", torch.full((1,), 0.5), {0: "batch"}),
        Edge("img_ids", positions.reshape(-1, 3), {0: "tokens"}),
        Edge("txt_ids", torch.zeros(tokens, 3), {0: "text"}),
    ]
    if config.guidance_embeds:
        edges.append(Edge("guidance", torch.full((1,), 3.5), {0: "batch"}))
    return Flux(transformer), edges, ["out_hidden_states"]


def decoder_part(vae):
    side = 8
    example = torch.randn(1, vae.config.latent_channels, side, side, dtype=vae.dtype)
    return Decoder(vae), [Edge("latent_sample", example, {0: "batch", 2: "height", 3: "width"})], ["sample"]
