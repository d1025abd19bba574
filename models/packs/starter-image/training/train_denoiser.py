"""Trains the denoiser on encoded pictures: `train_denoiser.py MINUTES [RATE]`. Resumes from WORK/denoiser.pt."""
import json
import sys
import time

import numpy as np
import torch

from captions import caption
from data import finished
from denoiser import CANVAS, FEATURES, Denoiser
from layers import Average, save
from objects import THREADS, WORK, Sprites
from scenes import Scene
from schedule import alpha_bars
from text import TextEncoder
from tokens import LENGTH, encode, load

# Pictures of 256x256 in a step; of larger ones fewer, down to the least.
BATCH, LEAST = 32, 10
FILE = WORK / "denoiser.pt"


class Latents:
    """All encoded pictures by bucket, with their scenes and boxes."""

    def __init__(self):
        self.buckets = {}
        for w, h, base in finished():
            if not base.with_suffix(".z.npy").exists():
                continue
            z, boxes, scenes = self.buckets.setdefault((w, h), ([], [], []))
            z.append(np.load(f"{base}.z.npy"))
            boxes.append(np.load(f"{base}.boxes.npy"))
            scenes += [Scene(**s) for s in json.loads(base.with_suffix(".json").read_text())]
        self.buckets = {k: (np.concatenate(z), np.concatenate(b), s) for k, (z, b, s) in self.buckets.items()}
        self.sizes = list(self.buckets)
        # By pixels, so that the larger sizes, of which there are fewer pictures, have the larger part.
        self.shares = np.array([len(self.buckets[(w, h)][2]) * w * h for w, h in self.sizes], float)
        self.shares /= self.shares.sum()

    def batch(self, rng):
        """Latents, boxes `[B, 2, 3]` relative to the middle, which boxes are real `[B, 2]`, captions."""
        w, h = self.sizes[int(rng.choice(len(self.sizes), p=self.shares))]
        z, boxes, scenes = self.buckets[(w, h)]
        pick = rng.integers(len(z), size=max(LEAST, BATCH * 256 * 256 // (w * h)))
        box = boxes[pick].copy()
        box[..., 1] -= w / h / 2
        box[..., 2] -= 0.5
        texts = ["" if rng.random() < 0.1 else caption(rng, scenes[i]) for i in pick]
        return torch.from_numpy(z[pick].astype(np.float32)), torch.from_numpy(box[..., 1:]), torch.from_numpy(box[..., 0]), texts


def fresh(net):
    """The reader as the text training left it, and canvases that start as the drawings themselves."""
    net.reader.load_state_dict(torch.load(WORK / "text.pt")["reader"])
    art = Sprites()
    with torch.no_grad():
        for i in range(len(net.memory.canvas)):
            net.memory.canvas[i, :4] = torch.from_numpy(art.get(i, CANVAS).transpose(2, 0, 1).copy())
            net.memory.canvas[i, :3] = net.memory.canvas[i, :3] * 2 - net.memory.canvas[i, 3:4]
            net.memory.canvas[i, 4:] = torch.randn(FEATURES - 4, CANVAS, CANVAS) * 0.02


def main(minutes, rate):
    torch.set_num_threads(THREADS)
    tokenizer, data = load(), Latents()
    print({k: len(v[2]) for k, v in data.buckets.items()}, flush=True)
    encoder = TextEncoder(len(tokenizer), LENGTH).eval()
    encoder.load_state_dict(torch.load(WORK / "text.pt")["encoder"])
    net = Denoiser()
    saved = torch.load(FILE) if FILE.exists() else None
    net.load_state_dict(saved["raw"]) if saved else fresh(net)
    net = net.to(memory_format=torch.channels_last)
    net.reader.requires_grad_(False)
    weights = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average, step, seconds = Average(net, 0.998), 0, 0.0
    if saved:
        if saved["optimiser"]:
            optimiser.load_state_dict(saved["optimiser"])
        average.weights, step, seconds = saved["weights"], saved["step"], saved["seconds"]
    bars = torch.tensor(alpha_bars(), dtype=torch.float32)
    rng, start, history = np.random.default_rng(step + 5), time.time(), []

    def checkpoint():
        save(FILE, raw=net.state_dict(), weights=average.weights, optimiser=optimiser.state_dict(), step=step, seconds=seconds + time.time() - start)

    while (spent := time.time() - start) < minutes * 60:
        share = spent / (minutes * 60)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 200) * min(1, (1 - share) / 0.6) + 1e-5
        z, boxes, real, texts = data.batch(rng)
        with torch.no_grad():
            asked = net.ask(encoder(encode(tokenizer, texts))[0])
        t = torch.from_numpy(rng.integers(0, len(bars), size=len(z)))
        a, s = bars[t].sqrt()[:, None, None, None], (1 - bars[t]).sqrt()[:, None, None, None]
        noise = torch.randn_like(z)
        x = (a * z + s * noise).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            v, draft, guess = net.predict(x, t, *asked, boxes=boxes)
        snr = bars[t] / (1 - bars[t])
        # As min-SNR weighting (Hang et al. 2023, eq. 8) for v where little noise is left, where there is most of it at full
        # weight: that is where place, light and colours are settled.
        weight = (snr.clamp(max=5) + 1) / (snr + 1)
        error = ((v.float() - (a * noise - s * z)) ** 2).mean((1, 2, 3))
        place = ((guess - boxes).abs().mean(-1) * real).sum(1)
        rough = ((draft.float() - z) ** 2).mean()
        loss = (weight * error).mean() + 0.5 * place.mean() + 0.2 * rough
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        average.update(net, step)
        step += 1
        history.append((loss.item(), error.mean().item(), rough.item(), place.mean().item()))
        if step % 50 == 0:
            print(f"step {step} {spent:.0f}s loss %.4f v error %.4f draft %.4f place %.4f" % tuple(np.mean(history[-50:], 0)), flush=True)
        if step % 250 == 0:
            checkpoint()
    checkpoint()


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1e-3)
