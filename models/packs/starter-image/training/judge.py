"""The judge: a classifier that only ever saw real renderings. `judge.py MINUTES` trains WORK/judge.pt on the rendered pictures.

It names the main object, and also tells time of day, place, weather and the object's colour."""
import json
import sys
import time

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data import finished
from layers import save
from objects import COLOUR_NAMES, THINGS, THREADS, WORK
from scenes import PLACES, TIMES, WEATHERS, Scene

FILE = WORK / "judge.pt"
SIDE, BATCH = 96, 48
CLASSES = {"thing": len(THINGS) + 1, "colour": len(COLOUR_NAMES) + 1, "time": len(TIMES), "place": len(PLACES), "weather": len(WEATHERS)}


class Judge(nn.Module):
    def __init__(self):
        super().__init__()

        def stage(a, b, stride):
            return nn.Sequential(nn.Conv2d(a, b, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        self.body = nn.Sequential(stage(3, 32, 2), stage(32, 64, 2), stage(64, 96, 1), stage(96, 128, 2), stage(128, 128, 1),
                                  stage(128, 192, 2), stage(192, 192, 1))
        self.heads = nn.ModuleDict({k: nn.Linear(192 * 2, n) for k, n in CLASSES.items()})

    def forward(self, x):
        y = self.body(x).float()
        y = torch.cat([y.mean((2, 3)), y.amax((2, 3))], 1)
        return {k: head(y) for k, head in self.heads.items()}


def view(picture, rng=None):
    """The judge's view of a picture `[H, W, 3] uint8`: 96 pixels on the short side's square, shifted and shaded a little in training."""
    h, w = picture.shape[:2]
    side = min(h, w)
    left, top = (w - side) // 2, (h - side) // 2
    if rng is not None:
        left, top = int(rng.integers(w - side + 1)) if rng.random() < 0.3 else left, int(rng.integers(h - side + 1)) if rng.random() < 0.3 else top
        cut = int(rng.integers(0, side // 12))
        picture = picture[top + cut // 2:top + side - cut // 2, left + cut // 2:left + side - cut // 2]
        small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        if rng.random() < 0.5:
            small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.3, 0.9)))
        return small + rng.normal(0, rng.uniform(0, 0.03), small.shape).astype(np.float32)
    return cv2.resize(picture[top:top + side, left:left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def labels(scene):
    """Class numbers; pictures of two objects count for no object class (-100)."""
    single = scene.thing2 < 0
    return [(scene.thing if scene.thing >= 0 else len(THINGS)) if single else -100,
            (scene.colour if scene.colour >= 0 else len(COLOUR_NAMES)) if single and scene.thing >= 0 else -100,
            TIMES.index(scene.time) if scene.place not in ("space", "underwater") else -100,
            PLACES.index(scene.place), WEATHERS.index(scene.weather)]


def load_judge():
    net = Judge()
    net.load_state_dict(torch.load(FILE)["weights"])
    return net.eval()


def ask(net, pictures):
    """The judge's logits for `[H, W, 3] uint8` pictures."""
    x = torch.from_numpy(np.stack([view(p) for p in pictures])).permute(0, 3, 1, 2)
    with torch.no_grad():
        return net(x)


def main(minutes):
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(1)
    net = Judge().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    shards = finished()
    shards = [s for s in shards if s[0] == s[1]] + [s for s in shards if s[0] != s[1]]
    loaded = [(np.load(f"{b}.npy", mmap_mode="r"), [labels(Scene(**s)) for s in json.loads(b.with_suffix(".json").read_text())]) for _, _, b in shards]
    shares = np.array([len(x) for x, _ in loaded], float)
    shares /= shares.sum()
    rng, start, step = np.random.default_rng(1), time.time(), 0
    while (spent := time.time() - start) < minutes * 60:
        share = spent / (minutes * 60)
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 100) * (1 - share) + 1e-5
        views, want = [], []
        for _ in range(BATCH):
            pictures, marks = loaded[int(rng.choice(len(loaded), p=shares))]
            i = int(rng.integers(len(pictures)))
            views.append(view(pictures[i], rng))
            want.append(marks[i])
        x = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        want = torch.tensor(want).T
        with torch.autocast("cpu", torch.bfloat16):
            out = net(x)
        loss = sum(F.cross_entropy(out[k].float(), want[i], ignore_index=-100) * (2.0 if i < 2 else 0.5) for i, k in enumerate(CLASSES))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            right = {k: round((out[k].argmax(1) == want[i])[want[i] >= 0].float().mean().item(), 2) for i, k in enumerate(CLASSES)}
            print(f"step {step} {spent:.0f}s loss {loss.item():.3f}", right, flush=True)
    save(FILE, weights=net.state_dict(), step=step, seconds=time.time() - start)


if __name__ == "__main__":
    main(float(sys.argv[1]))
