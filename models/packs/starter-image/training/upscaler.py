"""The up-scaler: `[B, 3, H, W]` to `[B, 3, 4H, 4W]`, both in [0, 1]. A light convolutional net after ESPCN (Shi et al. 2016)."""
import torch
from torch import nn
from torch.nn import functional as F

from layers import Residual

SCALE = 4
REACH = 2


class Upscaler(nn.Module):
    def __init__(self, width=40, blocks=4):
        super().__init__()
        # The linear part of the answer, fitted by least squares before anything else is trained.
        self.linear = nn.Sequential(nn.ReplicationPad2d(REACH), nn.Conv2d(3, 3 * SCALE * SCALE, 2 * REACH + 1), nn.PixelShuffle(SCALE))
        self.into = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.out = nn.Sequential(nn.SiLU(), nn.Conv2d(width, 64, 3, padding=1), nn.PixelShuffle(2), nn.SiLU(),
                                 nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, sample):
        y = self.into(sample - 0.5)
        return (self.linear(sample) + self.out(y + self.body(y))).clamp(0, 1)


@torch.no_grad()
def fit_linear(net, small, large):
    """Least squares of `[B, 3, 4H, 4W]` from `[B, 3, H, W]`, both in [0, 1], for the linear path."""
    side = 2 * REACH + 1
    seen = F.unfold(small, side).transpose(1, 2).reshape(-1, 3 * side * side).double()
    edge = REACH * SCALE
    want = F.pixel_unshuffle(large[..., edge:-edge, edge:-edge], SCALE).flatten(2).transpose(1, 2).reshape(len(seen), -1).double()
    seen = torch.cat([seen, torch.ones(len(seen), 1, dtype=torch.double)], 1)
    fit = torch.linalg.solve(seen.T @ seen + 1e-4 * len(seen) * torch.eye(seen.shape[1], dtype=torch.double), seen.T @ want)
    net.linear[1].weight.copy_(fit[:-1].T.reshape(net.linear[1].weight.shape))
    net.linear[1].bias.copy_(fit[-1])
