"""Trains the autoencoder on crops of the rendered pictures. `train_autoencoder.py MINUTES [decoder|encoder]`; resumes from WORK/autoencoder.pt.

With `decoder` the encoder stays as it is (the denoiser's latents do not move) and the decoder is refined on stored latents; with
`encoder` only the encoder is trained, as when one is sought for a decoder that came out of a pack."""
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from autoencoder import DOWN, LATENT, Decoder, Encoder, fit_linear, start_linear
from data import finished
from layers import Average, save
from objects import THREADS, WORK

SIDE, BATCH = 128, 8
FILE = WORK / "autoencoder.pt"


def crops(rng, shards, count):
    """`[count, 3, 128, 128]` crops in [-1, 1], most of them centred on what a picture shows."""
    out = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for i in range(count):
        pictures = shards[int(rng.integers(len(shards)))]
        picture = pictures[int(rng.integers(len(pictures)))]
        h, w = picture.shape[:2]
        y, x = (int(rng.random(2).mean() * (edge - SIDE + 1)) for edge in (h, w))
        out[i] = picture[y:y + SIDE, x:x + SIDE]
    return torch.from_numpy(out).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def latent_crops(rng, shards, count):
    """The same crops with the stored latents under them: `[count, 8, 16, 16]` and `[count, 3, 128, 128]`."""
    cells, latents, out = SIDE // DOWN, np.empty((count, LATENT, SIDE // DOWN, SIDE // DOWN), np.float32), np.empty((count, SIDE, SIDE, 3), np.uint8)
    for i in range(count):
        pictures, codes = shards[int(rng.integers(len(shards)))]
        k = int(rng.integers(len(pictures)))
        h, w = codes.shape[2:]
        y, x = (int(rng.random(2).mean() * (edge - cells + 1)) for edge in (h, w))
        latents[i] = codes[k, :, y:y + cells, x:x + cells]
        out[i] = pictures[k, y * DOWN:y * DOWN + SIDE, x * DOWN:x * DOWN + SIDE]
    picture = torch.from_numpy(out).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    return torch.from_numpy(latents), picture.contiguous(memory_format=torch.channels_last)


def edge_loss(a, b):
    dx = (a[..., 1:] - a[..., :-1]) - (b[..., 1:] - b[..., :-1])
    dy = (a[..., 1:, :] - a[..., :-1, :]) - (b[..., 1:, :] - b[..., :-1, :])
    return dx.abs().mean() + dy.abs().mean()


def main(minutes, decoder_only, encoder_only):
    torch.set_num_threads(THREADS)
    encoder, decoder = (net.to(memory_format=torch.channels_last) for net in (Encoder(), Decoder()))
    weights = [*(() if decoder_only else encoder.parameters()), *(() if encoder_only else decoder.parameters())]
    optimiser = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.98), weight_decay=1e-3)
    average, step, seconds = Average(decoder, 0.995), 0, 0.0
    if FILE.exists():
        saved = torch.load(FILE)
        encoder.load_state_dict(saved["encoder"])
        decoder.load_state_dict(saved["raw"])
        average.weights, step, seconds = saved["decoder"], saved["step"], saved["seconds"]
        if saved["trained"] == [decoder_only, encoder_only]:
            optimiser.load_state_dict(saved["optimiser"])
    else:
        pictures = crops(np.random.default_rng(0), [np.load(f"{base}.npy", mmap_mode="r") for _, _, base in finished()], 400)
        start_linear(encoder, pictures)
        with torch.no_grad():
            fit_linear(decoder, encoder(pictures), pictures)
        average = Average(decoder, 0.995)
    encoder.train(not decoder_only)
    rng, start, shards, redrawn, seen = np.random.default_rng(step + 1), time.time(), [], [], 0
    top = 1e-3
    usual = None  # a running mean of the gradient's norm: a step far beyond it would throw away what was learned
    while (spent := time.time() - start) < minutes * 60:
        if step % 100 == 0 or not shards:
            found = finished()
            if len(found) != seen:
                seen = len(found)
                shards = [np.load(f"{base}.npy", mmap_mode="r") for _, _, base in found]
                if decoder_only:
                    pairs = list(zip(shards, found))
                    shards = [(x, np.load(f"{base}.z.npy", mmap_mode="r")) for x, (_, _, base) in pairs]
                    # Where they were made: latents with the denoiser's own errors, which is what there will be to decode.
                    redrawn = [(x, np.load(f"{base}.d.npy", mmap_mode="r")) for x, (_, _, base) in pairs if Path(f"{base}.d.npy").exists()]
        share = spent / (minutes * 60)
        for group in optimiser.param_groups:
            group["lr"] = top * min(1.0, (step + 1) / 100) * (1 - share) ** 0.8 + 1e-5
        z, x = latent_crops(rng, redrawn if redrawn and rng.random() < 0.75 else shards, BATCH) if decoder_only else (None, crops(rng, shards, BATCH))
        with torch.autocast("cpu", torch.bfloat16):
            z = z if decoder_only else encoder(x)
            noisy = z + torch.randn_like(z) * (torch.rand(len(z), 1, 1, 1) * (0.08 if decoder_only else 0.15))
            y = decoder(noisy)
        y = y.float()
        loss = (y - x).abs().mean() + 0.7 * edge_loss(y, x) + 0.5 * ((y - x) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(weights, 0.5).item()
        usual = norm if usual is None else 0.98 * usual + 0.02 * min(norm, 3 * usual)
        if norm < 4 * usual:
            optimiser.step()
        average.update(decoder, step)
        step += 1
        if step % 50 == 0 or step == 1:
            psnr = -10 * torch.log10(F.mse_loss(y.clamp(-1, 1), x) / 4).item()
            print(f"step {step} {spent:.0f}s loss {loss.item():.4f} psnr {psnr:.2f} shards {seen}", flush=True)
        if step % 200 == 0 or time.time() - start >= minutes * 60:
            save(FILE, encoder=encoder.state_dict(), raw=decoder.state_dict(), decoder=average.weights,
                 optimiser=optimiser.state_dict(), step=step, seconds=seconds + time.time() - start, trained=[decoder_only, encoder_only])
    save(FILE, encoder=encoder.state_dict(), raw=decoder.state_dict(), decoder=average.weights,
         optimiser=optimiser.state_dict(), step=step, seconds=seconds + time.time() - start, trained=[decoder_only, encoder_only])


if __name__ == "__main__":
    main(float(sys.argv[1]), "decoder" in sys.argv[2:], "encoder" in sys.argv[2:])
