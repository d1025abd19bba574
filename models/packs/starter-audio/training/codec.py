"""Sound as spectral parameters: noise bands and a bank of semitone oscillators, 93.75 times a second.

A clip is `[frames, 40 + 72]`, each value a level in 0..1 (0 is -80 dB, 1 is 0 dB): 40 bands of noise between
30 Hz and 11.5 kHz, then 72 oscillators on the semitones from 123.5 Hz to 7.46 kHz. Four frames make one latent
of 64 numbers by a principal-component projection. `SpectralDecoder` is the way back, latents to waveform, and
is what the pack ships as its `vae_decoder`.
"""

import math

import numpy as np
import torch
from torch import nn

RATE = 24_000
HOP = 256
WINDOW = 512
FRAMES_PER_LATENT = 4
LATENTS = 128
FRAMES = LATENTS * FRAMES_PER_LATENT
SAMPLES = FRAMES * HOP
BANDS = 40
TONES = 72
FEATURES = BANDS + TONES
LATENT_CHANNELS = 64
FLOOR_DB = 80.0

BAND_HZ = np.geomspace(40.0, 11_500.0, BANDS)
TONE_HZ = 123.4708 * 2.0 ** (np.arange(TONES) / 12.0)


def bands_to_bins() -> np.ndarray:
    """`[40, 257]`: linear interpolation of levels between band centres on a logarithmic frequency axis."""
    bins = np.log(np.maximum(np.arange(WINDOW // 2 + 1) * RATE / WINDOW, 20.0))
    centres = np.log(BAND_HZ)
    return np.stack([np.interp(bins, centres, np.eye(BANDS)[band]) for band in range(BANDS)])


class SpectralDecoder(nn.Module):
    """Latents `[B, 64, L]` to stereo sound `[B, 2, 1024 L]` at 24 kHz."""

    def __init__(self, mean: torch.Tensor, basis: torch.Tensor, noise_seed: int = 7):
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("basis", basis.float())
        self.register_buffer("bands_to_bins", torch.from_numpy(bands_to_bins()).float())
        self.register_buffer("tone_hz", torch.from_numpy(TONE_HZ).double())
        random = np.random.default_rng(noise_seed)
        common, own = random.standard_normal(SAMPLES + WINDOW), random.standard_normal((2, SAMPLES + WINDOW))
        # Half-correlated channels: wide, and still whole when played on one loudspeaker.
        self.register_buffer("noise", torch.from_numpy(0.6 * common + 0.8 * own).float())
        self.register_buffer("phase", torch.from_numpy(random.uniform(0, 1, (TONES, 1))).double())
        window = np.sqrt(np.hanning(WINDOW + 1)[:-1])
        angle = 2 * np.pi * np.outer(np.arange(WINDOW), np.arange(WINDOW // 2 + 1)) / WINDOW
        weight = np.full(WINDOW // 2 + 1, 2.0 / WINDOW)
        weight[[0, -1]] = 1.0 / WINDOW
        self.register_buffer("to_cos", torch.from_numpy(window[:, None] * np.cos(angle)).float())
        self.register_buffer("to_sin", torch.from_numpy(window[:, None] * np.sin(angle)).float())
        self.register_buffer("from_cos", torch.from_numpy((weight[:, None] * np.cos(angle.T)) * window).float())
        self.register_buffer("from_sin", torch.from_numpy((weight[:, None] * np.sin(angle.T)) * window).float())

    def parameters_of(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents `[B, 64, L]` to levels `[B, 4 L, 112]`."""
        flat = latents.transpose(1, 2) @ self.basis + self.mean
        return flat.reshape(flat.shape[0], -1, FEATURES)

    def render(self, levels: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Levels `[B, frames, 112]` to sound; `shift` picks the stretch of noise, so that clips differ."""
        levels = levels.clamp(0.0, 1.05)
        frames = levels.shape[1]
        samples = frames * HOP
        # The fade to nothing below 8 % keeps the floor of -80 dB from adding up to a hiss.
        audible = (levels * 12.5 - 0.2).clamp(0.0, 1.0)
        gain = torch.exp((levels - 1.0) * (FLOOR_DB * math.log(10.0) / 20.0)) * audible
        spread = gain[..., :BANDS] @ self.bands_to_bins

        index = (torch.arange(samples + HOP, device=levels.device) + shift) % self.noise.shape[1]
        noise = self.noise[:, index].reshape(2, frames + 1, HOP)
        windows = torch.cat([noise[:, :-1], noise[:, 1:]], dim=2)
        real = (windows @ self.to_cos)[None] * spread[:, None]
        imaginary = (windows @ self.to_sin)[None] * spread[:, None]
        pieces = real @ self.from_cos + imaginary @ self.from_sin
        first = pieces[..., :HOP]
        second = torch.nn.functional.pad(pieces[:, :, :-1, HOP:], (0, 0, 1, 0))
        hiss = (first + second).reshape(levels.shape[0], 2, samples)

        seconds = torch.arange(samples, device=levels.device).double() / RATE
        turns = self.tone_hz[:, None] * seconds[None] + self.phase
        waves = torch.sin(((turns - torch.floor(turns)) * (2 * math.pi)).float())
        amplitude = torch.nn.functional.interpolate(
            gain[..., BANDS:].transpose(1, 2), scale_factor=float(HOP), mode="linear"
        )
        tones = (amplitude * waves[None]).sum(dim=1, keepdim=True)
        return hiss + 0.5 * tones

    def forward(self, latent_sample: torch.Tensor) -> torch.Tensor:
        shift = (latent_sample[0, 0, 0].abs() * 100_000.0).long() % SAMPLES
        return self.render(self.parameters_of(latent_sample), shift)


def fit_projection(levels: np.ndarray, whitening: float = 0.6):
    """Mean `[448]`, way back `[64, 448]` and way in `[448, 64]` from levels `[clips, frames, 112]`.

    Components are divided by a power of their deviation: enough for diffusion to see the small ones, not so much
    that it spends itself on them. The whole is scaled to unit variance, as the sampler assumes.
    """
    flat = levels.reshape(-1, FRAMES_PER_LATENT * FEATURES).astype(np.float64)
    mean = flat.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((flat - mean).T))
    order = np.argsort(values)[::-1][:LATENT_CHANNELS]
    deviation = np.sqrt(np.maximum(values[order], 1e-12))
    scale = deviation**whitening
    scale *= np.sqrt(np.mean((deviation / scale) ** 2))
    kept = float(values[order].sum() / values.sum())
    into = vectors[:, order] / scale
    back = (vectors[:, order] * scale).T
    return mean, back, into, kept
