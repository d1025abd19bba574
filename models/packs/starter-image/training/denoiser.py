"""The denoiser: a small UNet with a memory of drawings.

Every known object has a learned canvas, a 64x64 picture of features. The reader finds the objects and colours a prompt
asks for in the text's states; the canvases found are tinted, and a spatial transformer (Jaderberg et al. 2015, eq. 1) lays each
where the words place it. Out of them a draft of the picture is made without looking at the noise; the UNet sees the draft's
features beside its input and predicts what is left of v (Salimans & Ho 2022, eq. 11) of the latents `[B, 8, h, w]`; it works on
patches of 2x2 latents and halves them once, so h and w are multiples of 4."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from autoencoder import LATENT
from objects import COLOUR_NAMES, THINGS
from schedule import alpha_bars
from text import WIDTH as TEXT
from text import Reader

CANVAS, FEATURES = 64, 6
PATCH = 2  # latent cells in a patch, each way
FINE = 8  # warped cells in a patch, each way
COND = 192


class Block(nn.Module):
    """Residual block modulated by the time, the setting and what is asked for."""

    def __init__(self, width, out=None):
        super().__init__()
        out = out or width
        self.norm1, self.norm2 = nn.GroupNorm(8, width), nn.GroupNorm(8, out)
        self.conv1, self.conv2 = nn.Conv2d(width, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        self.film = nn.Linear(COND, 2 * out)
        self.skip = nn.Conv2d(width, out, 1) if width != out else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, cond):
        y = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.film(cond)[..., None, None].chunk(2, 1)
        y = self.conv2(F.silu(self.norm2(y) * (1 + scale) + shift))
        return self.skip(x) + y


class Attention(nn.Module):
    """Self-attention over all cells of the coarse level, so that far sides of a picture agree."""

    def __init__(self, width, heads=4):
        super().__init__()
        self.heads, self.norm = heads, nn.GroupNorm(8, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, self.heads, c // self.heads, h * w).unbind(1)
        weights = (q.transpose(-1, -2) @ k / (c // self.heads) ** 0.5).softmax(-1)
        return x + self.out((v @ weights.transpose(-1, -2)).reshape(b, c, h, w))


def coordinates(h, w, like):
    """Rows and columns of a grid `[1, 2, h, w]` in units of the height, the middle at 0."""
    y = (torch.arange(h, device=like.device, dtype=like.dtype) + 0.5) / h - 0.5
    x = ((torch.arange(w, device=like.device, dtype=like.dtype) + 0.5) - w / 2) / h
    return torch.stack([y[:, None].expand(h, w), x[None].expand(h, w)])[None]


class Memory(nn.Module):
    """Canvases by object, tinted by the colour asked for: thing and colour weights in, `[B, 6, 64, 64]` out."""

    def __init__(self):
        super().__init__()
        self.canvas = nn.Parameter(torch.zeros(len(THINGS), FEATURES, CANVAS, CANVAS))
        self.colour = nn.Linear(len(COLOUR_NAMES) + 1, 48, bias=False)
        self.setting = nn.Linear(TEXT, 48)
        self.into, self.out = nn.Conv2d(FEATURES, 24, 1), nn.Conv2d(24, FEATURES, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, things, colours, setting):
        drawn = (things[:, :-1] @ self.canvas.flatten(1)).view(-1, FEATURES, CANVAS, CANVAS)
        scale, shift = (self.colour(colours) + self.setting(setting))[..., None, None].chunk(2, 1)
        return drawn + self.out(F.silu(self.into(drawn) * (1 + scale) + shift)) * drawn[:, 3:4]


class Placer(nn.Module):
    """Says from the words alone where the two objects stand: `[B, 2, 3]` of (centre x, centre y, side) in units of the height, middle at 0.

    Words settle it (the painter puts the first of two on the left unless told otherwise), and a place that does not depend on the
    noise is the same at every step of a run."""

    def __init__(self):
        super().__init__()
        self.thing = nn.Linear(len(THINGS) + 1, 48, bias=False)
        self.out = nn.Sequential(nn.Linear(2 * 48 + TEXT + 2, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 6))

    def forward(self, things, setting, ratio):
        known = torch.cat([self.thing(things).flatten(1), setting, ratio, 1 / ratio], 1)
        return self.out(known).view(-1, 2, 3) * 0.3 + torch.tensor([0.0, 0.05, 0.5], dtype=known.dtype, device=known.device)


def lay(canvas, box, h, w):
    """Samples a canvas so that it covers `box` on a grid of `[h * FINE, w * FINE]` cells; nothing outside it."""
    grid = coordinates(h * FINE, w * FINE, box)
    side = box[:, 2].clamp(min=0.08)[:, None, None]
    gx = (grid[:, 1] - box[:, 0, None, None]) * 2 / side
    gy = (grid[:, 0] - box[:, 1, None, None]) * 2 / side
    return F.grid_sample(canvas, torch.stack([gx, gy], -1), mode="bilinear", padding_mode="zeros", align_corners=False)


class Draft(nn.Module):
    """What the words alone make of the picture: features `[B, width, h, w]` of the laid canvases in their setting, and the mean latents."""

    def __init__(self, width):
        super().__init__()
        self.cells = nn.Sequential(
            nn.Conv2d(2 * FEATURES, 32, 3, stride=2, padding=1), nn.SiLU(), nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(64, width, 3, stride=2, padding=1))
        self.where = nn.Conv2d(2, width, 3, padding=1)
        self.blocks = nn.ModuleList([Block(width), Block(width)])
        self.latents = nn.Conv2d(width, LATENT * PATCH * PATCH, 3, padding=1)

    def forward(self, canvases, words):
        y = self.cells(canvases)
        y = y + self.where(coordinates(y.shape[2], y.shape[3], y))
        for block in self.blocks:
            y = block(y, words)
        return y, self.latents(F.silu(y))


class Denoiser(nn.Module):
    def __init__(self, width=128, deep=192):
        super().__init__()
        self.reader, self.memory, self.placer, self.draft = Reader(), Memory(), Placer(), Draft(width)
        self.time = nn.Sequential(nn.Linear(64, COND), nn.SiLU(), nn.Linear(COND, COND))
        self.cond = nn.Linear(TEXT + 2 * (len(COLOUR_NAMES) + 1), COND)
        self.what = nn.Linear(len(THINGS) + 1, COND, bias=False)
        packed = LATENT * PATCH * PATCH
        self.stem = nn.Conv2d(packed + 2, width, 3, padding=1)
        self.enter = nn.ModuleList([Block(width), Block(width)])
        self.down = nn.Conv2d(width, deep, 3, stride=2, padding=1)
        self.deep = nn.ModuleList([Block(deep), Block(deep), Block(deep)])
        self.attend = nn.ModuleList([Attention(deep), Attention(deep)])
        self.up = nn.Conv2d(deep, width, 3, padding=1)
        self.leave = nn.ModuleList([Block(2 * width, width), Block(width), Block(width)])
        self.final = nn.GroupNorm(8, width)
        self.out = nn.Conv2d(width, packed, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("frequencies", torch.exp(torch.arange(32) * (-math.log(10000) / 32)), persistent=False)
        self.register_buffer("sigmas", torch.tensor(1 - alpha_bars(), dtype=torch.float32).sqrt(), persistent=False)

    def ask(self, states):
        """What the text asks for, as weights over the memory: things, colours, setting."""
        things, colours, setting = self.reader(states)
        return things.softmax(-1), colours.softmax(-1), setting

    def forward(self, sample, timestep, encoder_hidden_states):
        return self.predict(sample, timestep, *self.ask(encoder_hidden_states))[0]

    def predict(self, x, timestep, things, colours, setting, boxes=None):
        """Returns v, the draft's latents and the placer's boxes; training lays the canvases on the true `boxes` `[B, 2, 3]`.

        v = a noise - s z, so the draft of z enters it as -s draft: where only noise is left to see, the draft is the answer."""
        x = F.pixel_unshuffle(x, PATCH)
        b, _, h, w = x.shape
        angle = timestep.to(torch.float32).reshape(-1)[:, None] * self.frequencies[None]
        time = self.time(torch.cat([angle.cos(), angle.sin()], -1)).expand(b, -1)
        words = self.cond(torch.cat([setting, colours.flatten(1)], 1)) + self.what(things.mean(1))
        guess = self.placer(things, setting, torch.full_like(setting[:, :1], 1.0) * (w / h)).float()
        used = guess if boxes is None else boxes
        canvases = [lay(self.memory(things[:, k], colours[:, k], setting).float(), used[:, k], h, w) for k in range(2)]
        seen, draft = self.draft(torch.cat(canvases, 1), F.silu(words))
        cond = F.silu(time + words)
        y = self.stem(torch.cat([x, coordinates(h, w, x).expand(b, -1, -1, -1)], 1)) + seen
        for block in self.enter:
            y = block(y, cond)
        d = self.down(y)
        for k, block in enumerate(self.deep):
            d = block(d, cond)
            if k < 2:
                d = self.attend[k](d)
        u = self.up(F.interpolate(d, scale_factor=2.0, mode="nearest"))
        y = torch.cat([u, y], 1)
        for block in self.leave:
            y = block(y, cond)
        sigma = self.sigmas[timestep.reshape(-1).long()][:, None, None, None]
        v = self.out(F.silu(self.final(y))) - sigma * draft
        return F.pixel_shuffle(v, PATCH), F.pixel_shuffle(draft, PATCH), guess
