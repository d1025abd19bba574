"""From motion latents and one picture to frames.

A film is one picture set in motion. Its latents are `[8, F, rows, columns]`, three a second, on a coarse grid of
about 60 cells: what the camera does (pan in x and y, zoom), what the things in the picture do (shift in x and y),
the light, and how much rain and snow falls. `MotionDecoder` is the pack's `vae_decoder`.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CHANNELS = ("pan_x", "pan_y", "zoom", "shift_x", "shift_y", "light", "rain", "snow")
FRAMES_PER_SECOND = 24
FRAMES_PER_LATENT = 8
GRIDS = ((6, 10), (8, 8), (10, 6))
# The picture is shown a little enlarged, so that a pan has somewhere to go.
MARGIN = 0.09


def _wrapped(texture: np.ndarray) -> torch.Tensor:
    """One more row and column than the period, so that bilinear sampling closes the seam."""
    return torch.from_numpy(np.pad(texture, ((0, 1), (0, 1)), mode="wrap")).float()[None, None]


def rain_texture(random) -> np.ndarray:
    texture = np.zeros((256, 256))
    for _ in range(150):
        x, y, length = random.uniform(0, 256), random.uniform(0, 256), random.uniform(14, 30)
        for step in np.arange(0, length, 0.5):
            texture[int(y + step) % 256, int(x + 0.12 * step) % 256] = 0.45 + 0.4 * math.sin(math.pi * step / length)
    blurred = 0.6 * texture + 0.2 * np.roll(texture, 1, 1) + 0.2 * np.roll(texture, -1, 1)
    return np.clip(blurred, 0, 1)


def snow_texture(random) -> np.ndarray:
    texture = np.zeros((256, 256))
    rows, columns = np.mgrid[0:256, 0:256]
    for _ in range(130):
        x, y, size = random.uniform(0, 256), random.uniform(0, 256), random.uniform(0.8, 2.4)
        near_x = np.minimum(np.abs(columns - x), 256 - np.abs(columns - x))
        near_y = np.minimum(np.abs(rows - y), 256 - np.abs(rows - y))
        texture = np.maximum(texture, np.exp(-(near_x**2 + near_y**2) / size**2) * random.uniform(0.6, 1.0))
    return texture


class MotionDecoder(nn.Module):
    """`latent_sample` `[1, 8, F, rows, columns]`, `keyframe` `[1, 3, H, W]` in -1..1 and `frame_index` `[N]` to
    `sample` `[1, 3, N, H, W]` in -1..1."""

    def __init__(self):
        super().__init__()
        random = np.random.default_rng(3)
        self.register_buffer("rain", _wrapped(rain_texture(random)))
        self.register_buffer("snow", _wrapped(snow_texture(random)))
        self.register_buffer("in_time", torch.tensor([0.15, 0.7, 0.15]).view(1, 1, 3, 1, 1))
        self.register_buffer("in_space", (torch.tensor([1.0, 6, 1])[:, None] * torch.tensor([1.0, 6, 1]) / 64).view(1, 1, 1, 3, 3))

    def smooth(self, latents):
        """Small errors of the diffusion would shake the picture; true motion is smoother than they are."""
        _, channels, frames, rows, columns = latents.shape
        flat = latents.reshape(channels, 1, frames, rows, columns)
        ends = torch.cat([2 * flat[:, :, :1] - flat[:, :, 1:2], flat, 2 * flat[:, :, -1:] - flat[:, :, -2:-1]], dim=2)
        flat = F.conv3d(ends, self.in_time)
        wide = torch.cat([flat[..., :1], flat, flat[..., -1:]], dim=4)
        wide = torch.cat([wide[..., :1, :], wide, wide[..., -1:, :]], dim=3)
        return F.conv3d(wide, self.in_space).reshape(1, channels, frames, rows, columns)

    def at_times(self, latents, frame_index):
        """Catmull-Rom between latent frames: `[8, F, rows, columns]` to `[N, 8, rows, columns]`."""
        last = latents.shape[1] - 1
        position = frame_index / FRAMES_PER_LATENT
        whole = torch.floor(position).clamp(0, last)
        u = (position - whole).view(-1, 1, 1, 1)
        index = whole.long()
        before, a, b, after = (latents[:, (index + step).clamp(0, last)].transpose(0, 1) for step in (-1, 0, 1, 2))
        return 0.5 * (
            2 * a + (b - before) * u + (2 * before - 5 * a + 4 * b - after) * u**2 + (3 * a - before - 3 * b + after) * u**3
        )

    def falling(self, texture, x, y, count, seconds, speed, drift):
        """A texture of `count` periods across that falls; coordinates are fractions of the height."""
        u = x * count - drift * seconds
        v = y * count - speed * seconds
        u, v = u - torch.floor(u), v - torch.floor(v)
        u, v = torch.broadcast_tensors((u * 256 + 0.5) / 257 * 2 - 1, (v * 256 + 0.5) / 257 * 2 - 1)
        place = torch.stack([u, v], dim=-1)
        return F.grid_sample(texture.expand(place.shape[0], 1, 257, 257), place, mode="bilinear", align_corners=False)[:, 0]

    def forward(self, latent_sample, keyframe, frame_index):
        fields = self.at_times(self.smooth(latent_sample)[0], frame_index)
        frames = fields.shape[0]
        height, width = keyframe.shape[2], keyframe.shape[3]
        whole = fields.mean(dim=(2, 3))
        # Fields are smooth and cubic interpolation dear: a quarter of the resolution, and straight lines between.
        small = (torch.div(height + 3, 4, rounding_mode="floor"), torch.div(width + 3, 4, rounding_mode="floor"))
        local = F.interpolate(fields[:, 3:6], size=small, mode="bicubic", align_corners=False)
        light = local[:, 2:3]
        light = torch.sign(light) * (light.abs() - 0.03).clamp(min=0)
        local = torch.cat([2 * local[:, :2], torch.exp(light.clamp(-1.2, 1.2)), 0.35 * light.clamp(min=0)], dim=1)
        local = F.interpolate(local, size=(height, width), mode="bilinear", align_corners=False)

        x = ((torch.arange(width, device=keyframe.device) + 0.5) / width).view(1, 1, width)
        y = ((torch.arange(height, device=keyframe.device) + 0.5) / height).view(1, height, 1)
        scale = (1 - 2 * MARGIN) * torch.exp(-whole[:, 2]).view(-1, 1, 1)
        from_x = (2 * x - 1) * scale - 2 * whole[:, 0].view(-1, 1, 1) - local[:, 0]
        from_y = (2 * y - 1) * scale - 2 * whole[:, 1].view(-1, 1, 1) - local[:, 1]
        place = torch.stack([from_x, from_y], dim=-1)
        shown = F.grid_sample(
            keyframe.expand(frames, 3, height, width), place, mode="bilinear", padding_mode="reflection", align_corners=False
        )

        seconds = (frame_index / FRAMES_PER_SECOND).view(-1, 1, 1)
        # What falls is soft, so half the resolution does; it is the larger part of the work otherwise.
        x, y = x[:, :, ::2], y[:, ::2]
        wide = x * (width / height)
        rain = (whole[:, 6].view(-1, 1, 1) * 1.5 - 0.45).clamp(0, 1.5)
        drops = self.falling(self.rain, wide, y, 1.6, seconds, 2.6, 0.3) + 0.6 * self.falling(self.rain, wide + 0.37, y, 2.7, seconds, 3.4, 0.4)
        snow = (whole[:, 7].view(-1, 1, 1) * 1.5 - 0.45).clamp(0, 1.5)
        flakes = self.falling(self.snow, wide, y, 1.3, seconds, 0.32, 0.05) + 0.7 * self.falling(self.snow, wide + 0.61, y, 2.3, seconds, 0.42, -0.06)
        white = (0.30 * rain * drops + 0.85 * snow * flakes).clamp(0, 0.9)[:, None]
        white = F.interpolate(white, size=(height, width), mode="bilinear", align_corners=False)

        warm = torch.tensor([1.0, 0.88, 0.62], device=keyframe.device).view(1, 3, 1, 1)
        pale = torch.tensor([0.88, 0.92, 0.97], device=keyframe.device).view(1, 3, 1, 1)
        lit = (shown + 1) * (0.5 * local[:, 2:3]) + local[:, 3:4] * warm
        lit = lit + white * (pale - lit)
        return (lit * 2 - 1).clamp(-1, 1).transpose(0, 1)[None]
