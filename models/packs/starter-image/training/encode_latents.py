"""Encodes every finished shard once: `<shard>.z.npy`, `[N, 8, h, w] float16`."""
import numpy as np
import torch

from autoencoder import Encoder
from data import finished
from objects import THREADS, WORK


@torch.no_grad()
def main():
    torch.set_num_threads(THREADS)
    encoder = Encoder().to(memory_format=torch.channels_last).eval()
    encoder.load_state_dict(torch.load(WORK / "autoencoder.pt")["encoder"])
    for w, h, base in finished():
        if base.with_suffix(".z.npy").exists():
            continue
        pictures, out = np.load(f"{base}.npy", mmap_mode="r"), []
        for i in range(0, len(pictures), 32):
            x = torch.from_numpy(pictures[i:i + 32]).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
            with torch.autocast("cpu", torch.bfloat16):
                out.append(encoder(x.contiguous(memory_format=torch.channels_last)).numpy().astype(np.float16))
        np.save(f"{base}.z.npy", np.concatenate(out))
        print(base.name, flush=True)


if __name__ == "__main__":
    main()
