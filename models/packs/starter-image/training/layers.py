"""Building blocks shared by the networks."""
import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Two 3x3 convolutions beside an identity; starts as the identity, so it needs no normalisation."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.silu(self.first(F.silu(x))))


class Up(nn.Module):
    """Doubles height and width."""

    def __init__(self, width, out):
        super().__init__()
        self.conv = nn.Conv2d(width, out, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Average:
    """Exponential moving average of a network's weights, which is what gets exported."""

    def __init__(self, net, decay):
        self.decay, self.weights = decay, {k: v.detach().clone() for k, v in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net, step):
        decay = min(self.decay, (1 + step) / (10 + step))
        for k, v in net.state_dict().items():
            if v.dtype.is_floating_point:
                self.weights[k].lerp_(v, 1 - decay)
            else:
                self.weights[k].copy_(v)


def save(path, **parts):
    """Writes a checkpoint so that a kill in the middle never leaves half a file."""
    torch.save(parts, f"{path}.part")
    import os
    os.replace(f"{path}.part", path)
