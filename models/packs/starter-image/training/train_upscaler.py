"""Trains the up-scaler on renderings at four times the size: `train_upscaler.py MINUTES`. Resumes from WORK/upscaler.pt.

Three quarters of its inputs went through the autoencoder and the denoiser first, so that it also learns to clean what those leave."""
import sys
import time

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autoencoder import Decoder, Encoder
from layers import Average, save
from objects import THREADS, WORK
from redraw_latents import Redrawing
from render import render
from scenes import draw_scene, rng_of
from train_autoencoder import edge_loss
from upscaler import SCALE, Upscaler, fit_linear

FILE = WORK / "upscaler.pt"
SIDE, BATCH = 48, 16


@torch.no_grad()
def pairs(count, encoder, decoder):
    """`count` renderings of 1024x1024 as uint8 beside their quarter-size inputs: `[(small, decoded, large)]`."""
    cache = WORK / "upscaler_pairs.npz"
    if not cache.exists():
        large = np.stack([render(rng_of(77, i), draw_scene(rng_of(78, i), held_out=False), 1024, 1024)[0] for i in range(count)])
        small = np.stack([cv2.resize(x, (256, 256), interpolation=cv2.INTER_AREA) for x in large])
        np.savez(cache, large=large, small=small)
    stored = np.load(cache)
    large, small = stored["large"], stored["small"]
    x = torch.from_numpy(small).permute(0, 3, 1, 2).float() / 127.5 - 1
    # As the decoder's latents will be: looked at through some noise by the denoiser.
    redraw, rng, scenes = Redrawing(), np.random.default_rng(12), [draw_scene(rng_of(78, i), held_out=False) for i in range(len(x))]
    latents = [redraw(rng, encoder(x[i:i + 8]), scenes[i:i + 8], deepest=150) for i in range(0, len(x), 8)]
    decoded = [decoder(z[None]).clamp(-1, 1)[0] for z in torch.cat(latents)]
    decoded = ((torch.stack(decoded) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return small, decoded, large


def main(minutes, count=160):
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(1)
    saved = torch.load(WORK / "autoencoder.pt")
    encoder, decoder = Encoder().eval(), Decoder().eval()
    encoder.load_state_dict(saved["encoder"])
    decoder.load_state_dict(saved["decoder"])
    small, decoded, large = pairs(count, encoder, decoder)
    net = Upscaler().to(memory_format=torch.channels_last)
    step, seconds = 0, 0.0
    if not FILE.exists():
        nn.init.zeros_(net.out[-2].weight)
        nn.init.zeros_(net.out[-2].bias)
        fit_linear(net, *(torch.from_numpy(np.ascontiguousarray(v)).permute(0, 3, 1, 2).float().div(255)
                          for v in (np.concatenate([decoded[::4, :128, 64:192], small[::8, :128, 64:192]]), np.concatenate([large[::4, :512, 256:768], large[::8, :512, 256:768]]))))
    average = Average(net, 0.99)
    if FILE.exists():
        old = torch.load(FILE)
        net.load_state_dict(old["raw"])
        average.weights, step, seconds = old["weights"], old["step"], old["seconds"]
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4)
    rng, start = np.random.default_rng(step), time.time()
    while (spent := time.time() - start) < minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = 1.5e-3 * min(1, (step + 1) / 50) * (1 - spent / (minutes * 60)) + 1e-5
        low, high = [], []
        for _ in range(BATCH):
            i, y, x = int(rng.integers(len(large))), int(rng.integers(256 - SIDE)), int(rng.integers(256 - SIDE))
            source = decoded if rng.random() < 0.75 else small
            low.append(source[i, y:y + SIDE, x:x + SIDE])
            high.append(large[i, y * SCALE:(y + SIDE) * SCALE, x * SCALE:(x + SIDE) * SCALE])
        low, high = (torch.from_numpy(np.stack(v)).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last) for v in (low, high))
        with torch.autocast("cpu", torch.bfloat16):
            out = net(low)
        out = out.float()
        loss = (out - high).abs().mean() + edge_loss(out, high)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average.update(net, step)
        step += 1
        if step % 50 == 0:
            base = F.interpolate(low, scale_factor=4.0, mode="bicubic").clamp(0, 1)
            psnr, cubic = (-10 * torch.log10(F.mse_loss(v, high)).item() for v in (out, base))
            print(f"step {step} {spent:.0f}s loss {loss.item():.4f} psnr {psnr:.2f} bicubic {cubic:.2f}", flush=True)
    save(FILE, raw=net.state_dict(), weights=average.weights, step=step, seconds=seconds + time.time() - start)


if __name__ == "__main__":
    main(float(sys.argv[1]))
