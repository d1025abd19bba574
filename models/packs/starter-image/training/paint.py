"""Brushes: gradients, soft noise, ridges, glows. Pictures are `[H, W, 3] float32` in [0, 1], lengths in fractions of the height."""
import cv2
import numpy as np


def rgb(*c):
    return np.array(c, np.float32) / 255


def _noise_bank():
    rng = np.random.default_rng(7)
    bank = []
    for _ in range(6):
        total = np.zeros((768, 768), np.float32)
        for octave in range(7):
            cells = 3 * 2 ** octave
            grid = rng.random((cells + 3, cells + 3)).astype(np.float32)
            total += cv2.resize(grid, (768, 768), interpolation=cv2.INTER_CUBIC) * 0.55 ** octave
        bank.append((total - total.min()) / (total.max() - total.min()))
    return bank


NOISE = _noise_bank()


def lerp(a, b, t):
    return a + (b - a) * t


def smooth(lo, hi, x):
    t = np.clip((x - lo) / (hi - lo), 0, 1)
    return t * t * (3 - 2 * t)


def noise(rng, h, w, scale=1.0, stretch=1.0):
    """Cloud-like noise `[h, w]` in [0, 1]; a bigger `scale` shows more of it, `stretch` pulls it sideways."""
    side_y = int(np.clip(360 * scale, 8, 767))
    side_x = int(np.clip(360 * scale * w / h / stretch, 8, 767))
    tile = NOISE[int(rng.integers(len(NOISE)))]
    y, x = int(rng.integers(768 - side_y)), int(rng.integers(768 - side_x))
    return cv2.resize(tile[y:y + side_y, x:x + side_x], (w, h), interpolation=cv2.INTER_LINEAR)


def axes(h, w):
    """Rows `[h, 1]` and columns `[1, w]`, both in units of the height."""
    return ((np.arange(h, dtype=np.float32) + 0.5) / h)[:, None], ((np.arange(w, dtype=np.float32) + 0.5) / h)[None]


def vertical(h, w, stops):
    """A vertical gradient through `[(position, colour), …]`."""
    y = (np.arange(h) + 0.5) / h
    at = [s[0] for s in stops]
    column = np.stack([np.interp(y, at, [s[1][c] for s in stops]) for c in range(3)], -1).astype(np.float32)
    return np.repeat(column[:, None], w, 1)


def over(img, colour, mask):
    """Paints a colour, or another picture, through a mask, in place."""
    img += (colour - img) * (mask[..., None] if np.ndim(mask) == 2 else mask)


def below(line, h, w):
    """An antialiased mask of what lies under a ridge `line` `[w]`."""
    y = np.arange(h, dtype=np.float32)[:, None] + 0.5
    return np.clip(y - line[None] * h + 0.5, 0, 1)


def ridge(rng, w_over_h, w, base, height, rough=0.5, waves=3.0):
    """A skyline of hills `[w]` as heights from the top; `rough` from rolling (0) to craggy (1)."""
    x = np.linspace(0, w_over_h, w, dtype=np.float32)
    line = np.zeros(w, np.float32)
    octaves = 2 + int(round(rough * 5))
    amp, freq = 1.0, waves
    for _ in range(octaves):
        phase = rng.random() * 10
        knots = rng.random(int(freq * (w_over_h + 1)) + 4).astype(np.float32)
        pos = x * freq + phase % 1
        low = np.floor(pos).astype(int)
        t = pos - low
        if rough < 0.5:
            t = t * t * (3 - 2 * t)
        line += amp * lerp(knots[low], knots[low + 1], t)
        amp *= 0.3 + 0.22 * rough
        freq *= 2.1
    line = (line - line.min()) / max(float(np.ptp(line)), 1e-3)
    return base - line * height


def glow(img, x, y, radius, colour, strength=1.0):
    """Adds light around a point."""
    h, w = img.shape[:2]
    reach = radius * 3
    x0, x1 = max(int((x - reach) * h), 0), min(int((x + reach) * h) + 1, w)
    y0, y1 = max(int((y - reach) * h), 0), min(int((y + reach) * h) + 1, h)
    if x1 <= x0 or y1 <= y0:
        return
    yy = (np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5) / h - y
    xx = (np.arange(x0, x1, dtype=np.float32)[None] + 0.5) / h - x
    light = np.exp(-(xx * xx + yy * yy) / (radius * radius * 0.5)) * strength
    img[y0:y1, x0:x1] += (1 - img[y0:y1, x0:x1]).clip(0) * light[..., None] * colour


def disc(img, x, y, radius, colour, alpha=1.0):
    """An antialiased filled circle."""
    ellipse(img, x, y, radius, radius, colour, alpha)


def ellipse(img, x, y, rx, ry, colour, alpha=1.0, soft=0.0):
    """A filled ellipse; `soft` from 0 (sharp edge) to 1 (all blur)."""
    h, w = img.shape[:2]
    x0, x1 = max(int((x - rx) * h) - 2, 0), min(int((x + rx) * h) + 3, w)
    y0, y1 = max(int((y - ry) * h) - 2, 0), min(int((y + ry) * h) + 3, h)
    if x1 <= x0 or y1 <= y0:
        return
    yy = ((np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5) / h - y) / ry
    xx = ((np.arange(x0, x1, dtype=np.float32)[None] + 0.5) / h - x) / rx
    d = np.sqrt(xx * xx + yy * yy)
    edge = min(rx, ry) * h
    mask = 1 - smooth(1 - soft, 1, d) if soft else np.clip((1 - d) * edge + 0.5, 0, 1)
    over(img[y0:y1, x0:x1], colour, (mask * alpha).astype(np.float32))


def polygon_mask(h, w, points):
    """Antialiased mask of polygons given as lists of (x, y) in units of the height."""
    mask = np.zeros((h, w), np.uint8)
    for p in points:
        cv2.fillPoly(mask, [np.round(np.array(p, np.float32) * h * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def blit(img, sprite, x, y, side):
    """Lays a premultiplied square sprite with its bottom centre at (x, y); returns the same sprite's alpha on the full canvas bounds."""
    h, w = img.shape[:2]
    n = sprite.shape[0]
    left, top = int(round(x * h - n / 2)), int(round(y * h - n))
    x0, x1, y0, y1 = max(left, 0), min(left + n, w), max(top, 0), min(top + n, h)
    if x1 <= x0 or y1 <= y0:
        return
    part = sprite[y0 - top:y1 - top, x0 - left:x1 - left]
    img[y0:y1, x0:x1] = img[y0:y1, x0:x1] * (1 - part[..., 3:]) + part[..., :3]
