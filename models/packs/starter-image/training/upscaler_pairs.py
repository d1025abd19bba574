"""Makes what the up-scaler learns from: `upscaler_pairs.py [SHARDS]` writes WORK/pairs. Resumable: a finished shard is kept.

A shard holds renderings `<shard>.large.npy [64, 1024, 1024, 3] uint8`, and beside them `<shard>.drawn.npy [64, 3, 512, 512, 3] uint8`: the
rendering made smaller, and twice what the pack's own denoiser and decoder make of it, faults and all."""
import sys

import cv2
import numpy as np
import torch

from autoencoder import Decoder, Encoder
from objects import THREADS, WORK
from redraw_latents import Redrawing
from render import render, sprites
from scenes import draw_scene, rng_of

PAIRS = WORK / "pairs"
COUNT, SMALL, LARGE = 64, 512, 1024
# Timesteps from which the denoiser draws again; from deeper ones things would be elsewhere than in the rendering.
DEPTHS, STEPS = (60, 450), 5


def finished():
    """Paths of the finished shards, `(large, drawn)`."""
    return [(path.with_name(path.name.replace("drawn", "large")), path) for path in sorted(PAIRS.glob("*.drawn.npy"))]


@torch.no_grad()
def make_shard(number, redraw, encoder, decoder):
    large_path, drawn_path = PAIRS / f"{number:03d}.large.npy", PAIRS / f"{number:03d}.drawn.npy"
    if drawn_path.exists():
        return
    large = np.zeros((COUNT, LARGE, LARGE, 3), np.uint8)
    drawn = np.zeros((COUNT, 3, SMALL, SMALL, 3), np.uint8)
    scenes, boxes = [], np.zeros((COUNT, 2, 3), np.float32)
    for i in range(COUNT):
        scenes.append(draw_scene(rng_of(78, number, i), held_out=False))
        large[i], found = render(rng_of(77, number, i), scenes[i], LARGE, LARGE)
        drawn[i, 0] = cv2.resize(large[i], (SMALL, SMALL), interpolation=cv2.INTER_AREA)
        for k, box in enumerate(found):
            boxes[i, k] = box
    boxes -= np.array([0.5, 0.5, 0], np.float32)
    rng = np.random.default_rng([79, number])
    for i in range(0, COUNT, 8):
        z = encoder(torch.from_numpy(drawn[i:i + 8, 0]).permute(0, 3, 1, 2).float() / 127.5 - 1)
        for turn in (1, 2):
            again = redraw.sampled(rng, z, scenes[i:i + 8], torch.from_numpy(boxes[i:i + 8]), int(rng.integers(*DEPTHS)), STEPS)
            pictures = decoder(again).clamp(-1, 1).add(1).mul(127.5).round().byte()
            drawn[i:i + 8, turn] = pictures.permute(0, 2, 3, 1).numpy()
    np.save(large_path, large)
    np.save(drawn_path, drawn)
    print("shard", number, flush=True)


def main(shards):
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(1)
    PAIRS.mkdir(parents=True, exist_ok=True)
    sprites()
    saved = torch.load(WORK / "autoencoder.pt")
    encoder, decoder = Encoder().eval(), Decoder().eval()
    encoder.load_state_dict(saved["encoder"])
    decoder.load_state_dict(saved["decoder"])
    redraw = Redrawing()
    for number in range(shards):
        make_shard(number, redraw, encoder, decoder)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 18)
