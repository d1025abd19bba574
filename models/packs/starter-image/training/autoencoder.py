"""Pictures to latents and back: `[B, 3, H, W]` in [-1, 1] and `[B, 16, H/16, W/16]` of unit variance."""
import torch
from torch import nn
from torch.nn import functional as F

from layers import Residual, Up

LATENT = 16
DOWN = 16


def start(body, last):
    """Keeps variance through the layers, and starts the last layer quietly: at first the linear path does the work."""
    for layer in body.modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.abs().sum() > 0:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        last.weight.mul_(0.1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, 64, 3, padding=1), Residual(64),
            nn.Conv2d(64, 96, 3, stride=2, padding=1), Residual(96),
            nn.Conv2d(96, 160, 3, stride=2, padding=1), Residual(160),
            nn.SiLU(), nn.Conv2d(160, LATENT, 1))
        self.linear = nn.Conv2d(3 * DOWN * DOWN, LATENT, 1)
        start(self.body, self.body[-1])
        # Standardising the latents fixes the signal-to-noise ratio that the noise below then imposes.
        self.scale = nn.BatchNorm2d(LATENT, affine=False, momentum=0.02)

    def forward(self, x):
        return self.scale((self.body(x) + self.linear(F.pixel_unshuffle(x, DOWN))).float())


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(LATENT, 160, 3, padding=1), Residual(160), Residual(160), nn.SiLU(),
            Up(160, 96), Residual(96), Residual(96), nn.SiLU(),
            Up(96, 64), Residual(64), nn.SiLU(),
            nn.Conv2d(64, 128, 3, padding=1), nn.PixelShuffle(2), Residual(32), nn.SiLU(),
            nn.Conv2d(32, 12, 3, padding=1), nn.PixelShuffle(2))
        self.linear = nn.Conv2d(LATENT, 3 * DOWN * DOWN, 1)
        start(self.body, self.body[-2])

    def forward(self, z):
        return self.body(z) + F.pixel_shuffle(self.linear(z), DOWN)


@torch.no_grad()
def start_linear(encoder, decoder, pictures):
    """Sets both linear paths to the principal components of 16x16 patches of `[B, 3, H, W]` pictures in [-1, 1]."""
    patches = F.pixel_unshuffle(pictures, DOWN).permute(0, 2, 3, 1).reshape(-1, 3 * DOWN * DOWN).double()
    mean = patches.mean(0)
    spread, basis = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    basis, deviation = basis[:, -LATENT:].T, spread[-LATENT:].sqrt()[:, None]
    encoder.linear.weight.copy_((basis / deviation)[..., None, None])
    encoder.linear.bias.copy_(-(basis / deviation) @ mean)
    decoder.linear.weight.copy_((basis * deviation).T[..., None, None])
    decoder.linear.bias.copy_(mean)
