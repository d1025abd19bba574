"""The up-scaler: `[B, 3, H, W]` to `[B, 3, 2H, 2W]`, both in [0, 1]; H and W multiples of 4.

It mends what the denoiser and the decoder leave as well: the traces of their 8-pixel cells can only be told from the picture by what is
around them, so most of its work is done at half and quarter size (a U-Net, Ronneberger et al. 2015). Enlarging is by sub-pixel
convolution (Shi et al. 2016)."""
import torch
from torch import nn
from torch.nn import functional as F

from layers import Up

SCALE = 2
REACH = 2
# How much of its own answer a finished up-scaler adds to the linear one. All of it leaves surfaces so smooth that the watermark of some
# pictures does not outlive WebP at quality 50.
SHARE = 0.75


class Block(nn.Module):
    """Two 3x3 convolutions beside an identity. The norm keeps what passes through seven of them in the range where SiLU bends:
    without it features fade or grow until nothing is learnt."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


class Upscaler(nn.Module):
    def __init__(self, full=32, half=64, quarter=96):
        super().__init__()
        # The linear part of the answer, fitted by least squares before anything else is trained.
        self.linear = nn.Sequential(nn.ReplicationPad2d(REACH), nn.Conv2d(3, 3 * SCALE * SCALE, 2 * REACH + 1), nn.PixelShuffle(SCALE))
        self.into = nn.Sequential(nn.Conv2d(3, full, 3, padding=1), Block(full))
        self.down = nn.Sequential(nn.Conv2d(full, half, 3, stride=2, padding=1), Block(half), Block(half))
        self.deep = nn.Sequential(nn.Conv2d(half, quarter, 3, stride=2, padding=1), *(Block(quarter) for _ in range(4)))
        self.rise = Up(quarter, half)
        self.middle = nn.Sequential(Block(half), Block(half))
        self.surface = Up(half, full)
        self.finish = nn.Sequential(Block(full), Block(full))
        self.out = nn.Sequential(nn.GroupNorm(8, full), nn.SiLU(), nn.Conv2d(full, 64, 3, padding=1), nn.PixelShuffle(SCALE), nn.SiLU(),
                                 nn.Conv2d(16, 3, 3, padding=1))
        nn.init.zeros_(self.out[-1].weight)
        nn.init.zeros_(self.out[-1].bias)

    def forward(self, sample):
        full = self.into(4 * sample - 2)
        half = self.down(full)
        half = self.middle(half + self.rise(self.deep(half)))
        full = self.finish(full + self.surface(half))
        return (self.linear(sample) + (1 if self.training else SHARE) * self.out(full)).clamp(0, 1)


@torch.no_grad()
def fit_linear(net, small, large):
    """Least squares of `[B, 3, 2H, 2W]` from `[B, 3, H, W]`, both in [0, 1], for the linear path."""
    side = 2 * REACH + 1
    seen = F.unfold(small, side).transpose(1, 2).reshape(-1, 3 * side * side).double()
    edge = REACH * SCALE
    want = F.pixel_unshuffle(large[..., edge:-edge, edge:-edge], SCALE).flatten(2).transpose(1, 2).reshape(len(seen), -1).double()
    seen = torch.cat([seen, torch.ones(len(seen), 1, dtype=torch.double)], 1)
    fit = torch.linalg.solve(seen.T @ seen + 1e-4 * len(seen) * torch.eye(seen.shape[1], dtype=torch.double), seen.T @ want)
    net.linear[1].weight.copy_(fit[:-1].T.reshape(net.linear[1].weight.shape))
    net.linear[1].bias.copy_(fit[-1])
