"""The parts of diffusers' pipelines as modules with plain inputs and outputs, named as Optimum names them."""

from dataclasses import dataclass

import torch
from torch import nn

from graphs import Edge, hold

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
        # As diffusers with transformers 5 runs it: with torch's own attention, which knows no cap on its logits.
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


class QwenText(nn.Module):
    """A language model read as a text encoder: the states of the layer before the last, of one text without padding."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        # What nobody reads is not computed.
        model.layers = model.layers[:-1]
        model.norm = nn.Identity()

    def forward(self, input_ids):
        order = torch.arange(input_ids.shape[1])
        seen = order[:, None] >= order[None, :]
        mask = torch.zeros(seen.shape, dtype=self.model.dtype).masked_fill(~seen, torch.finfo(self.model.dtype).min)[None, None]
        masks = {"full_attention": mask, "sliding_attention": mask}
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


class WavePatches(nn.Module):
    """A patch embedding whose positions are worked out for the traced size: tracing diffusers' keeps the example's."""

    def __init__(self, embed):
        super().__init__()
        self.proj = embed.proj
        quarter = embed.pos_embed.shape[-1] // 4
        self.frequencies = nn.Parameter((10000 ** -(torch.arange(quarter).double() / quarter)).float(), requires_grad=False)
        # Positions count in units of the size that the weights were first trained at.
        self.base = embed.base_size / embed.interpolation_scale

    def waves(self, count):
        angles = (torch.arange(count).float() / count * self.base)[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def forward(self, latent):
        patches = self.proj(latent)
        rows, columns = patches.shape[2], patches.shape[3]
        across = self.waves(columns)[None].expand(rows, -1, -1)
        down = self.waves(rows)[:, None].expand(-1, columns, -1)
        places = torch.cat([across, down], dim=-1).flatten(0, 1)
        return patches.flatten(2).transpose(1, 2) + places.to(patches.dtype)


class LinearDit(nn.Module):
    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer
        if transformer.patch_embed.pos_embed is not None:
            transformer.patch_embed = WavePatches(transformer.patch_embed)

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


class GridRotary(nn.Module):
    """Z-Image's rotary tables, cosine and sine apart: a graph has no complex numbers."""

    def __init__(self, embed):
        super().__init__()
        tables = embed.precompute_freqs_cis(embed.axes_dims, embed.axes_lens, theta=embed.theta)
        self.cosines = nn.ParameterList([nn.Parameter(table.real.contiguous(), requires_grad=False) for table in tables])
        self.sines = nn.ParameterList([nn.Parameter(table.imag.contiguous(), requires_grad=False) for table in tables])

    def forward(self, ids):
        rows = [
            torch.cat([table[ids[:, axis]] for axis, table in enumerate(tables)], dim=-1)[None, :, None]
            for tables in (self.cosines, self.sines)
        ]
        return tuple(rows)


def rotate(x, cosines, sines):
    even, odd = x.float().unflatten(-1, (x.shape[-1] // 2, 2)).unbind(-1)
    return torch.stack([even * cosines - odd * sines, even * sines + odd * cosines], dim=-1).flatten(3).type_as(x)


class GridAttention:
    """Z-Image's attention with real numbers in the rotation."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, freqs_cis=None):
        def heads(x):
            return x.unflatten(-1, (attn.heads, x.shape[-1] // attn.heads))

        query, key = (
            rotate(norm(heads(project(hidden_states))), *freqs_cis).transpose(1, 2)
            for norm, project in ((attn.norm_q or nn.Identity(), attn.to_q), (attn.norm_k or nn.Identity(), attn.to_k))
        )
        value = heads(attn.to_v(hidden_states)).transpose(1, 2)
        out = nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2, 3)
        return attn.to_out[0](out)


class ZImage(nn.Module):
    """One picture and its text, each filled up to a multiple of 32 tokens with the model's own padding."""

    GROUP = 32

    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer
        self.rotary = GridRotary(transformer.rope_embedder)
        for block in (*transformer.noise_refiner, *transformer.context_refiner, *transformer.layers):
            block.attention.set_processor(GridAttention())

    def fill(self, tokens, padding):
        missing = (self.GROUP - tokens.shape[0] % self.GROUP) % self.GROUP
        return torch.cat([tokens, padding.expand(missing, -1)])[None]

    def forward(self, hidden_states, encoder_hidden_states, timestep):
        model = self.transformer
        channels, rows, columns = hidden_states.shape[1], hidden_states.shape[2] // 2, hidden_states.shape[3] // 2
        time = model.t_embedder(timestep * model.t_scale).type_as(hidden_states)

        text = self.fill(model.cap_embedder(encoder_hidden_states[0]), model.cap_pad_token)
        order = torch.arange(text.shape[1]) + 1
        text_places = self.rotary(torch.stack([order, order * 0, order * 0], dim=1))
        for layer in model.context_refiner:
            text = layer(text, None, text_places)

        patches = hidden_states.reshape(channels, rows, 2, columns, 2).permute(1, 3, 2, 4, 0).reshape(rows * columns, 4 * channels)
        picture = self.fill(model.all_x_embedder["2-1"](patches), model.x_pad_token)
        place = torch.arange(picture.shape[1])
        inside = (place < rows * columns).long()
        grid = torch.stack([(text.shape[1] + 1) * inside, place // columns * inside, place % columns * inside], dim=1)
        picture_places = self.rotary(grid)
        for layer in model.noise_refiner:
            picture = layer(picture, None, picture_places, time)

        both = torch.cat([picture, text], dim=1)
        places = tuple(torch.cat(pair, dim=1) for pair in zip(picture_places, text_places))
        for layer in model.layers:
            both = layer(both, None, places, time)
        out = model.all_final_layer["2-1"](both, c=time)[0, : rows * columns]
        return out.reshape(rows, columns, 2, 2, channels).permute(4, 0, 2, 1, 3).reshape(1, channels, 2 * rows, 2 * columns)


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
    module = GemmaText(model)
    with torch.no_grad():
        expected = model(ids, attention_mask=mask).last_hidden_state
    hold(module, [ids, mask], expected, "text_encoder")
    return module, [Edge("input_ids", ids, axes), Edge("attention_mask", mask, axes)], ["last_hidden_state"]


def qwen_part(model, style: Style, tokens: int):
    ids = torch.randint(1, model.config.vocab_size, (1, tokens)).to(style.ids)
    name = f"hidden_states.{model.config.num_hidden_layers - 1}"
    with torch.no_grad():
        expected = model(ids, output_hidden_states=True).hidden_states[-2]
    module = QwenText(model)
    hold(module, [ids], expected, "text_encoder")
    return module, [Edge("input_ids", ids, {1: "text"})], [name]


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
    sample, states, mask, time = (edge.example for edge in edges)
    with torch.no_grad():
        expected = transformer(sample, states, time, encoder_attention_mask=mask, return_dict=False)[0]
    module = LinearDit(transformer)
    hold(module, [sample, states, mask, time], expected, "transformer")
    return module, edges, ["out_hidden_states"]


def z_image_part(transformer, style: Style, tokens: int):
    config, dtype = transformer.config, transformer.dtype
    edges = [
        Edge("hidden_states", torch.randn(1, config.in_channels, 6, 10, dtype=dtype), {2: "height", 3: "width"}),
        Edge("encoder_hidden_states", torch.randn(1, tokens, config.cap_feat_dim, dtype=dtype), {1: "text"}),
        Edge("timestep", torch.full((1,), 0.5), {}),
    ]
    sample, states, time = (edge.example for edge in edges)
    # Numbers of tokens that need padding, as the examples have, and that need none.
    full = [torch.randn(1, config.in_channels, 8, 16, dtype=dtype), torch.randn(1, ZImage.GROUP, config.cap_feat_dim, dtype=dtype), time]
    cases = ([sample, states, time], full)
    with torch.no_grad():
        expected = [transformer([x[0, :, None]], t, [c[0]], return_dict=False)[0][0][None, :, 0] for x, c, t in cases]
    module = ZImage(transformer)
    for inputs, wanted in zip(cases, expected):
        hold(module, inputs, wanted, "transformer")
    return module, edges, ["out_hidden_states"]


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
