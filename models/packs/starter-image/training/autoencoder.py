"""Pictures to latents and back: `[B, 3, H, W]` in [-1, 1] and `[B, 8, H/8, W/8]` of unit variance."""
import torch
from torch import nn
from torch.nn import functional as F

from layers import Residual, Up

LATENT = 8
DOWN = 8


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
            nn.Conv2d(64, 128, 3, stride=2, padding=1), Residual(128),
            nn.SiLU(), nn.Conv2d(128, LATENT, 1))
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
            nn.Conv2d(LATENT, 128, 3, padding=1), Residual(128), Residual(128), nn.SiLU(),
            Up(128, 64), Residual(64), Residual(64), nn.SiLU(),
            nn.Conv2d(64, 96, 3, padding=1), nn.PixelShuffle(2), Residual(24), nn.SiLU(),
            nn.Conv2d(24, 12, 3, padding=1), nn.PixelShuffle(2))
        # Sees the cells around its own, so that neighbours meet without a seam.
        self.linear = nn.Conv2d(LATENT, 3 * DOWN * DOWN, 5, padding=2)
        start(self.body, self.body[-2])

    def forward(self, z):
        return self.body(z) + F.pixel_shuffle(self.linear(z), DOWN)


@torch.no_grad()
def start_linear(encoder, pictures):
    """Sets the encoder's linear path to the principal components of 8x8 patches of `[B, 3, H, W]` pictures in [-1, 1]."""
    patches = F.pixel_unshuffle(pictures, DOWN).permute(0, 2, 3, 1).reshape(-1, 3 * DOWN * DOWN).double()
    mean = patches.mean(0)
    spread, basis = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    basis, deviation = basis[:, -LATENT:].T, spread[-LATENT:].sqrt()[:, None]
    encoder.linear.weight.copy_((basis / deviation)[..., None, None])
    encoder.linear.bias.copy_(-(basis / deviation) @ mean)


@torch.no_grad()
def fit_linear(decoder, latents, pictures):
    """Sets the decoder's linear path to the least squares of what its body leaves; `[B, 8, h, w]` and `[B, 3, 8h, 8w]`."""
    side = decoder.linear.kernel_size[0]
    left = torch.cat([p - decoder.body(z) for z, p in zip(latents.split(8), pictures.split(8))])
    want = F.pixel_unshuffle(left, DOWN).flatten(2).transpose(1, 2).reshape(-1, 3 * DOWN * DOWN).double()
    seen = F.unfold(latents, side, padding=side // 2).transpose(1, 2).reshape(len(want), -1).double()
    seen = torch.cat([seen, torch.ones(len(seen), 1, dtype=torch.double)], 1)
    gram = seen.T @ seen + 1e-3 * len(seen) * torch.eye(seen.shape[1], dtype=torch.double)
    fit = torch.linalg.solve(gram, seen.T @ want)
    decoder.linear.weight.copy_(fit[:-1].T.reshape(decoder.linear.weight.shape))
    decoder.linear.bias.copy_(fit[-1])
