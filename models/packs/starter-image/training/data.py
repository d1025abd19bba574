"""Renders the training set to WORK/data: one shard of pictures, scenes and boxes per bucket and part. Resumable: a finished shard is kept."""
import json
import sys

import cv2
import numpy as np

from objects import WORK
from render import render, sprites
from scenes import draw_scene, rng_of

# (width, height, pictures in a shard)
BUCKETS = [(256, 256, 640), (320, 192, 180), (192, 320, 180), (512, 512, 240), (640, 384, 70), (384, 640, 70)]
SHARDS = 18
DATA = WORK / "data"


def shard_name(w, h, part):
    return DATA / f"{w}x{h}-{part:03d}"


def make_shard(w, h, count, part):
    base = shard_name(w, h, part)
    if base.with_suffix(".json").exists():
        return
    pictures = np.zeros((count, h, w, 3), np.uint8)
    scenes, boxes = [], np.zeros((count, 2, 4), np.float32)
    for i in range(count):
        rng = rng_of(w, h, part, i)
        scene = draw_scene(rng, held_out=False)
        pictures[i], found = render(rng, scene, w, h)
        for k, box in enumerate(found):
            boxes[i, k] = (1, *box)
        scenes.append(scene.as_dict())
    np.save(base.with_suffix(".npy"), pictures)
    np.save(f"{base}.boxes.npy", boxes)
    base.with_suffix(".json").write_text(json.dumps(scenes))


def finished():
    """Every finished shard as `(w, h, base path)`."""
    found = []
    for path in sorted(DATA.glob("*.json")):
        w, h = (int(v) for v in path.stem.split("-")[0].split("x"))
        found.append((w, h, path.with_suffix("")))
    return found


if __name__ == "__main__":
    part, of = int(sys.argv[1]), int(sys.argv[2])
    cv2.setNumThreads(1)
    DATA.mkdir(parents=True, exist_ok=True)
    sprites()
    for shard in range(part, SHARDS, of):
        for w, h, count in BUCKETS:
            make_shard(w, h, count, shard)
        print("shard", shard, flush=True)
