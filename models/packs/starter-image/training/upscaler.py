"""The up-scaler: `[B, 3, H, W]` to `[B, 3, 4H, 4W]`, both in [0, 1]. A light convolutional net after ESPCN (Shi et al. 2016)."""
from torch import nn
from torch.nn import functional as F

from layers import Residual

SCALE = 4


class Upscaler(nn.Module):
    def __init__(self, width=32, blocks=3):
        super().__init__()
        self.into = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.out = nn.Sequential(nn.SiLU(), nn.Conv2d(width, 64, 3, padding=1), nn.PixelShuffle(2), nn.SiLU(),
                                 nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, sample):
        smooth = F.interpolate(sample, scale_factor=4.0, mode="bilinear", align_corners=False)
        y = self.into(sample - 0.5)
        return (smooth + self.out(y + self.body(y))).clamp(0, 1)
