"""Draws torch's own normals for the noise goldens.

    python scripts/goldens/noise.py pipelines/noise/goldens

Needs torch (made with 2.13.0 on a CPU with AVX2). Each case draws three arrays from one generator, one after the
other; the file keeps a SHA-256 of their little-endian bytes and the first values of each.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch

CASES = [
    (0, [1, 1, 1]),
    (0, [5, 6, 7]),
    (1, [15, 16, 17]),
    (2, [16, 15, 16]),
    (3, [17, 3, 31]),
    (4, [64, 63, 65]),
    (5, [100, 9, 100]),
    (6, [1000, 1, 2]),
    (7, [4096, 4096, 4096]),
    (42, [16384, 16384, 5]),
    (42, [16385, 2, 2]),
    (123456789, [65536, 16, 16]),
    (2**31 - 1, [16, 1, 16]),
    (2**31, [16, 3, 16]),
    (2**32 - 1, [33, 8, 8]),
    (2**32, [33, 8, 8]),
    (2**32 + 5, [48, 48, 48]),
    (2**53 - 1, [257, 11, 12]),
    (2**53 + 1, [257, 11, 12]),
    (2**63 - 1, [12288, 1, 12288]),
]


def main(folder: str) -> None:
    cases = []
    for seed, lengths in CASES:
        generator = torch.Generator("cpu").manual_seed(seed)
        arrays = [torch.randn(length, generator=generator).numpy() for length in lengths]
        cases.append(
            {
                "seed": str(seed),
                "lengths": lengths,
                "sha256": hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest(),
                "first": [[float(f"{value:.9g}") for value in array[:3]] for array in arrays],
            }
        )
    target = Path(folder) / "torch-cpu.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target.write_text(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main(sys.argv[1])
