"""Gives the decoder latents like those it will meet: `redraw_latents.py [SHARDS]` writes `<shard>.d.npy`, `[N, 8, h, w] float16`.

A stored latent is noised part of the way and the trained denoiser says, with the picture's own words, what was there. Its errors are the
errors of a finished picture, while everything is still where the picture has it."""
import json
import sys

import numpy as np
import torch

from captions import caption
from data import finished
from denoiser import Denoiser
from objects import THREADS, WORK
from scenes import Scene
from schedule import alpha_bars
from text import TextEncoder
from tokens import LENGTH, encode, load

DEEPEST = 350  # of 1000 timesteps; beyond it details begin to move


class Redrawing:
    """The trained denoiser, asked once from a random timestep."""

    def __init__(self):
        self.tokenizer = load()
        self.text = TextEncoder(len(self.tokenizer), LENGTH).eval()
        self.text.load_state_dict(torch.load(WORK / "text.pt")["encoder"])
        self.net = Denoiser().to(memory_format=torch.channels_last).eval()
        self.net.load_state_dict(torch.load(WORK / "denoiser.pt")["weights"])
        self.bars = torch.tensor(alpha_bars(), dtype=torch.float32)

    @torch.no_grad()
    def __call__(self, rng, z, scenes, boxes=None, deepest=DEEPEST):
        """Clean latents `[B, 8, h, w]` as the denoiser sees them through some noise; `boxes` `[B, 2, 3]` say where things stand."""
        t = torch.from_numpy(rng.integers(10, deepest, size=len(z)))
        a, s = self.bars[t].sqrt()[:, None, None, None], (1 - self.bars[t]).sqrt()[:, None, None, None]
        x = (a * z + s * torch.randn_like(z)).contiguous(memory_format=torch.channels_last)
        asked = self.net.ask(self.text(encode(self.tokenizer, [caption(rng, scene) for scene in scenes]))[0])
        with torch.autocast("cpu", torch.bfloat16):
            v = self.net.predict(x, t, *asked, boxes=boxes)[0]
        return a * x - s * v.float()

    @torch.no_grad()
    def sampled(self, rng, z, scenes, boxes, start, steps, guidance=1.8):
        """Clean latents noised up to timestep `start` and drawn anew from there by DDIM (Song et al. 2021, equation 12): what a whole
        run would have left, while everything stays at its `boxes`."""
        times = np.linspace(start, 0, steps + 1).round().astype(int)
        alpha, sigma = (v.sqrt().tolist() for v in (self.bars[times], 1 - self.bars[times]))
        x = alpha[0] * z + sigma[0] * torch.randn_like(z)
        words = [caption(rng, scene) for scene in scenes]
        asked = self.net.ask(self.text(encode(self.tokenizer, [""] * len(words) + words))[0])
        for i in range(steps):
            t = torch.full((2 * len(z),), int(times[i]))
            with torch.autocast("cpu", torch.bfloat16):
                v = self.net.predict(x.repeat(2, 1, 1, 1).contiguous(memory_format=torch.channels_last), t, *asked, boxes=boxes.repeat(2, 1, 1))[0]
            without, given = v.float().chunk(2)
            v = without + guidance * (given - without)
            clean, noise = alpha[i] * x - sigma[i] * v, sigma[i] * x + alpha[i] * v
            x = clean if i == steps - 1 else alpha[i + 1] * clean + sigma[i + 1] * noise
        return x


def main(shards):
    torch.set_num_threads(THREADS)
    redraw, rng = Redrawing(), np.random.default_rng(11)
    for w, h, base in finished():
        if int(base.name.rsplit("-", 1)[1]) >= shards:
            continue
        z = torch.from_numpy(np.load(f"{base}.z.npy").astype(np.float32))
        scenes = [Scene(**s) for s in json.loads(base.with_suffix(".json").read_text())]
        boxes = torch.from_numpy(np.load(f"{base}.boxes.npy")[..., 1:] - np.array([w / h / 2, 0.5, 0], np.float32))
        drawn = [redraw(rng, z[i:i + 32], scenes[i:i + 32], boxes[i:i + 32]) for i in range(0, len(z), 32)]
        np.save(f"{base}.d.npy", torch.cat(drawn).numpy().astype(np.float16))
        print(base.name, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
