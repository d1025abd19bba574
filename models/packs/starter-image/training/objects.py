"""The things that can be drawn: names, kinds, and their sprites at several sizes."""
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

WORK = Path(os.environ.get("WORK", "work"))
THREADS = int(os.environ.get("THREADS", "2"))


@dataclass(frozen=True)
class Thing:
    index: int
    name: str
    kind: str
    colourable: bool
    names: tuple


def load_things():
    """Reads objects.txt in order; the row number is the object's class everywhere."""
    rows = []
    for line in (Path(__file__).parent / "objects.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _drawing, kind, colours, *others = [cell.strip() for cell in line.split("|")]
        other_names = [o.strip() for o in (others[0] if others else "").split(",") if o.strip()]
        rows.append(Thing(len(rows), name, kind, colours == "c", (name, *other_names)))
    return rows


THINGS = load_things()

# One main tone a colour word, far apart in hue or in lightness so that no light can turn one into another.
COLOURS = {
    "red": (218, 24, 32), "orange": (255, 138, 8), "yellow": (255, 221, 32), "green": (36, 164, 52),
    "blue": (24, 92, 226), "purple": (134, 44, 186), "pink": (255, 120, 190), "brown": (122, 72, 36),
    "black": (34, 34, 38), "white": (240, 240, 244),
}
COLOUR_NAMES = list(COLOURS)


class Sprites:
    """RGBA drawings trimmed to their ink, square, standing on the bottom edge, at 640, 320 and 160 pixels."""

    def __init__(self):
        self.levels = {}
        big = [self._square(cv2.imread(str(WORK / "drawings" / f"{t.index:03d}.png"), cv2.IMREAD_UNCHANGED)) for t in THINGS]
        for side in (640, 320, 160, 80):
            self.levels[side] = [cv2.resize(s, (side, side), interpolation=cv2.INTER_AREA) for s in big]

    @staticmethod
    def _square(bgra):
        rgba = cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA).astype(np.float32) / 255
        ys, xs = np.where(rgba[..., 3] > 0.1)
        rgba = rgba[ys.min():ys.max() + 1, xs.min():xs.max() + 1]
        h, w = rgba.shape[:2]
        side = max(h, w)
        square = np.zeros((side, side, 4), np.float32)
        square[side - h:, (side - w) // 2:(side - w) // 2 + w] = rgba
        square[..., :3] *= square[..., 3:]  # premultiplied, so that shrinking keeps clean edges
        return square.astype(np.float16).astype(np.float32)

    def get(self, index, side):
        """`[side, side, 4] float32`, premultiplied RGBA in [0, 1]."""
        level = min((s for s in self.levels if s >= side), default=640)
        return cv2.resize(self.levels[level][index], (side, side), interpolation=cv2.INTER_AREA)


def recolour(sprite, colour):
    """Repaints a premultiplied sprite in one colour, keeping its drawing as lights and shades of that colour."""
    alpha = sprite[..., 3:]
    rgb = sprite[..., :3] / np.maximum(alpha, 1e-3)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    ink = luma[alpha[..., 0] > 0.5]
    low, mid, high = np.percentile(ink, [4, 50, 97]) if ink.size else (0, 0.5, 1)
    mid = np.clip(mid, low + 0.08, max(high - 0.08, low + 0.09))
    high = max(high, mid + 0.08)
    t = np.interp(luma, [low, mid, high], [0.0, 0.55, 1.0]).astype(np.float32)[..., None]
    main = np.array(COLOURS[colour], np.float32) / 255
    if colour == "black":
        dark, light = main * 0.25, main + 0.16
    elif colour == "white":
        dark, light = main * 0.62, np.ones(3, np.float32)
    else:
        dark, light = main * 0.42, main * 0.62 + 0.38
    tone = np.where(t < 0.55, dark + (main - dark) * (t / 0.55), main + (light - main) * ((t - 0.55) / 0.45))
    return np.concatenate([tone * alpha, alpha], -1).astype(np.float32)
