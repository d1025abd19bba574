"""Trains the up-scaler on the pairs of upscaler_pairs.py: `train_upscaler.py MINUTES [STEPS]`. Resumes from WORK/upscaler.pt.

The learning rate falls over STEPS steps, all in all, or the minutes of this run, whichever end sooner. Every fifth patch went through
neither denoiser nor decoder, so that pictures of other makers are enlarged and not redrawn."""
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

from layers import Average, save
from objects import THREADS, WORK
from train_autoencoder import edge_loss
from upscaler import SCALE, Upscaler, fit_linear
from upscaler_pairs import COUNT, SMALL, finished

FILE = WORK / "upscaler.pt"
SIDE, BATCH = 64, 8
# More, or a shorter memory of the gradients, and the noise of what cannot be known drives the features apart before anything is learnt.
RATE = 4e-4


def tensor(pictures):
    """uint8 `[B, H, W, 3]` to float32 `[B, 3, H, W]` in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)


class Pairs:
    """Patches of all finished shards, the last one kept back for measuring."""

    def __init__(self):
        shards = [(np.load(large, mmap_mode="r"), np.load(drawn, mmap_mode="r")) for large, drawn in finished()]
        *self.shards, self.kept = shards

    def batch(self, rng, count=BATCH, shards=None):
        low, high = [], []
        for _ in range(count):
            large, drawn = (shards or self.shards)[int(rng.integers(len(shards or self.shards)))]
            i, y, x = int(rng.integers(COUNT)), int(rng.integers(SMALL - SIDE + 1)), int(rng.integers(SMALL - SIDE + 1))
            source = int(rng.choice(3, p=(0.2, 0.4, 0.4)))
            small, big = drawn[i, source, y:y + SIDE, x:x + SIDE], large[i, y * SCALE:(y + SIDE) * SCALE, x * SCALE:(x + SIDE) * SCALE]
            # The traces of cells are the same from either side; drawings are not, but their mirror images are drawings too.
            turned = -1 if rng.random() < 0.5 else 1
            low.append(small[:, ::turned])
            high.append(big[:, ::turned])
        return tensor(np.stack(low)), tensor(np.stack(high))


def main(minutes, steps):
    torch.set_num_threads(THREADS)
    pairs = Pairs()
    net = Upscaler().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    average, step, seconds = Average(net, 0.998), 0, 0.0
    if FILE.exists():
        old = torch.load(FILE)
        net.load_state_dict(old["raw"])
        optimiser.load_state_dict(old["optimiser"])
        average.weights, step, seconds = old["weights"], old["step"], old["seconds"]
    else:
        fit_linear(net, *pairs.batch(np.random.default_rng(5), 96))
    test = pairs.batch(np.random.default_rng(6), 24, [pairs.kept])
    rng, start = np.random.default_rng([7, step]), time.time()

    def keep():
        save(FILE, raw=net.state_dict(), weights=average.weights, optimiser=optimiser.state_dict(), step=step, seconds=seconds + time.time() - start)

    while (spent := time.time() - start) < minutes * 60 and step < steps:
        done = max(step / steps, spent / (minutes * 60))
        for group in optimiser.param_groups:
            group["lr"] = float(RATE * min(1, (step + 1) / 500) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-6)
        low, high = pairs.batch(rng)
        with torch.autocast("cpu", torch.bfloat16):
            out = net(low)
        out = out.float()
        loss = (out - high).abs().mean() + edge_loss(out, high)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update(net, step)
        step += 1
        if step % 100 == 0:
            with torch.no_grad():
                judged = Upscaler().to(memory_format=torch.channels_last).eval()
                judged.load_state_dict(average.weights)
                with torch.autocast("cpu", torch.bfloat16):
                    made = judged(test[0]).float()
                cubic = F.interpolate(test[0], scale_factor=float(SCALE), mode="bicubic").clamp(0, 1)
                psnr, base = (-10 * torch.log10(F.mse_loss(v, test[1])).item() for v in (made, cubic))
            print(f"step {step} {spent:.0f}s loss {loss.item():.4f} kept-back pictures {psnr:.2f} dB, bicubic {base:.2f}", flush=True)
            keep()
    keep()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 8000)
