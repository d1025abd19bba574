"""The places: each paints everything behind the object and says where an object stands."""
import cv2
import numpy as np

from paint import (axes, below, disc, ellipse, glow, lerp, noise, over, polygon_mask, rgb, ridge, smooth, vertical)
from sky import paint_sky


def shade(scene, colour, amount=None):
    """A daylight colour as it looks at this hour and in this weather."""
    c = rgb(*colour) if not isinstance(colour, np.ndarray) else colour
    if scene.weather in ("rain", "fog") and scene.place not in ("room", "table"):
        c = lerp(c, np.full(3, c.mean(), np.float32), 0.35) * (0.86 if scene.weather == "rain" else 0.97)
    if scene.time == "dusk":
        return c * rgb(236, 178, 168)
    if scene.time == "night":
        return c * rgb(82, 96, 146) + rgb(6, 9, 22)
    return c


def _haze(scene, colour, sky, t):
    return lerp(shade(scene, colour), sky["low"], t)


def _textured(rng, h, w, colour, depth, scale=1.0, stretch=2.5):
    n = noise(rng, h, w, scale, stretch)[..., None]
    return colour * (1 - depth / 2 + depth * n)


def _water(rng, img, scene, sky, top, choppy=0.0, bottom=1.0):
    """Paints water from `top` down: depth gradient, waves that grow towards the viewer, a path of light."""
    h, w = img.shape[:2]
    y0, y1 = int(top * h), int(bottom * h)
    n = y1 - y0
    near = shade(scene, [(16, 92, 140), (12, 110, 150), (20, 80, 130)][int(rng.integers(3))])
    if scene.time == "night":
        near = near * (0.35 if choppy else 0.7)
    far = lerp(near, sky["low"], 0.55)
    part = vertical(n, w, [(0, far), (0.35, lerp(far, near, 0.7)), (1, near)])
    rows = (np.arange(n) + 0.5) / n
    depth = np.clip(rows, 0.03, 1)[:, None]
    # Perspective: sample the noise more coarsely near the viewer by warping rows.
    wave = noise(rng, n * 2, w, 1.9, 3.2)
    src_y = (np.sqrt(rows) * (2 * n - 1)).astype(np.float32)
    map_y = np.repeat(src_y[:, None], w, 1)
    map_x = np.repeat(np.arange(w, dtype=np.float32)[None], n, 0)
    wave = cv2.remap(wave, map_x, map_y, cv2.INTER_LINEAR)
    crest = smooth(0.53, 0.62, wave)
    part += (crest * (0.05 + 0.09 * choppy) * depth ** 0.3)[..., None] * lerp(sky["low"], np.ones(3, np.float32), 0.3)
    part -= (smooth(0.5, 0.36, wave) * (0.05 + 0.06 * choppy))[..., None] * part * 2
    if choppy:
        cap = smooth(0.635, 0.67, wave) * smooth(0.02, 0.2, depth)
        over(part, shade(scene, (235, 245, 250)) + 0.12, (cap * 0.75 * choppy).astype(np.float32))
    if sky["sun"]:
        x = axes(n, w)[1] * n / h
        spread = 0.03 + 0.16 * depth
        path = np.exp(-((x - sky["sun"][0]) / spread) ** 2) * smooth(0.48, 0.6, wave)
        over(part, lerp(sky["light"], np.ones(3, np.float32), 0.4), (path * 0.65).astype(np.float32))
    img[y0:y1] = part


def sea(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    _water(rng, img, scene, sky, horizon, 1.0 if scene.choppy else 0.0)
    return sky


def beach(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    shore = horizon + 0.17
    _water(rng, img, scene, sky, horizon, 0.0, min(shore + 0.12, 1))
    x = np.linspace(0, w / h, w, dtype=np.float32)
    curve = shore + 0.03 * np.sin(x * rng.uniform(2, 4) + rng.random() * 6) + 0.04 * (x - w / h / 2) * rng.uniform(-1, 1)
    over(img, shade(scene, (245, 250, 250)), below(curve - 0.012, h, w) * 0.85)
    sand = _textured(rng, h, w, shade(scene, (238, 208, 150)), 0.16, 1.2)
    over(img, sand * 0.86, below(curve, h, w))
    over(img, sand, below(curve + 0.03, h, w))
    if rng.random() < 0.45:
        _palm(rng, img, scene, (0.07 if rng.random() < 0.5 else 0.93) * w / h, shore + 0.16, 0.5)
    return sky


def _palm(rng, img, scene, x, y, size):
    h, w = img.shape[:2]
    lean = rng.uniform(-0.08, 0.08)
    top = (x + lean, y - size)
    trunk = [[(x - 0.018, y), (x + lean * 0.4 - 0.013, y - size * 0.5), (top[0] - 0.01, top[1]), (top[0] + 0.01, top[1]), (x + lean * 0.4 + 0.013, y - size * 0.5), (x + 0.018, y)]]
    over(img, shade(scene, (130, 92, 58)), polygon_mask(h, w, trunk))
    leaves = []
    for a in np.linspace(-0.25, np.pi + 0.25, 7):
        dx, dy = np.cos(a) * size * 0.42, -np.sin(a) * size * 0.2
        mid = (top[0] + dx * 0.55, top[1] + dy - 0.03)
        leaves.append([top, (mid[0], mid[1] - 0.025), (top[0] + dx, top[1] + dy + 0.07), (mid[0], mid[1] + 0.02)])
    over(img, shade(scene, (46, 130, 62)), polygon_mask(h, w, leaves))


def lake(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    _peaks(rng, img, scene, sky, horizon, 0.28, snow=rng.random() < 0.6)
    line = ridge(rng, w / h, w, horizon, 0.06, 0.2, 3)
    over(img, _haze(scene, (58, 110, 70), sky, 0.2), below(line, h, w))
    y0 = int(horizon * h)
    n = h - y0
    mirror = img[max(0, y0 - n):y0][::-1]
    mirror = cv2.resize(mirror, (w, n), interpolation=cv2.INTER_LINEAR)
    wave = noise(rng, n, w, 1.2, 5.0) - 0.5
    yy, xx = np.mgrid[0:n, 0:w].astype(np.float32)
    mirror = cv2.remap(mirror, xx + wave * h * 0.03, np.clip(yy + wave * h * 0.05, 0, n - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    img[y0:] = lerp(mirror, shade(scene, (40, 110, 150)), 0.38) + (smooth(0.08, 0.14, wave) * 0.05)[..., None]
    bank = ridge(rng, w / h, w, 0.93, 0.07, 0.15, 1.5)
    over(img, _textured(rng, h, w, shade(scene, (92, 150, 70)), 0.3), below(bank, h, w))
    return sky


def _peaks(rng, img, scene, sky, base, height, snow):
    h, w = img.shape[:2]
    for layer, fade in ((0, 0.62), (1, 0.34)):
        line = ridge(rng, w / h, w, base + 0.01, height * (1.1 - 0.35 * layer), 0.9, 2.2)
        mask = below(line, h, w)
        stone = _haze(scene, (98, 108, 130), sky, fade)
        body = _textured(rng, h, w, stone, 0.3, 0.9, 1.0)
        if snow:
            y = axes(h, w)[0]
            jag = (noise(rng, h, w, 1.0, 1.0) - 0.5) * 0.16
            cap = smooth(0.01, -0.01, y - (base - height * 0.52) + jag)
            over(body, _haze(scene, (246, 250, 255), sky, fade * 0.5), cap)
        over(img, body, mask)


def mountains(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    _peaks(rng, img, scene, sky, horizon + 0.06, 0.46, snow=True)
    for k, colour in enumerate([(74, 124, 84), (88, 146, 78)]):
        line = ridge(rng, w / h, w, horizon + 0.08 + 0.1 * k, 0.09, 0.2, 1.6)
        over(img, _textured(rng, h, w, _haze(scene, colour, sky, 0.25 - 0.2 * k), 0.25), below(line, h, w))
        if k == 0:
            _conifers(rng, img, scene, sky, line, 26, 0.05, 0.3)
    return sky


def _conifers(rng, img, scene, sky, line, count, size, fade, colour=(32, 84, 58)):
    h, w = img.shape[:2]
    shapes = []
    for _ in range(int(count * w / h)):
        x = rng.random() * w / h
        y = float(line[min(int(x * h), w - 1)]) + size * 0.25
        s = size * rng.uniform(0.7, 1.35)
        for k in range(3):
            half, top, bot = s * (0.2 + 0.09 * k), y - s + s * 0.24 * k, y - s * 0.52 + s * 0.26 * k
            shapes.append([(x, top), (x + half, bot), (x - half, bot)])
    over(img, _haze(scene, colour, sky, fade), polygon_mask(h, w, shapes))


def meadow(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    greens = [(118, 170, 120), (104, 172, 84), (92, 166, 62)]
    for k, colour in enumerate(greens):
        line = ridge(rng, w / h, w, horizon + 0.05 * k, 0.1 - 0.02 * k, 0.1, 1.4)
        over(img, _textured(rng, h, w, _haze(scene, colour, sky, 0.4 - 0.18 * k), 0.22, 1.0, 2.0), below(line, h, w))
        if k == 1 and rng.random() < 0.6:
            for _ in range(int(rng.integers(2, 7))):
                x = rng.random() * w / h
                y = float(line[min(int(x * h), w - 1)])
                r = rng.uniform(0.018, 0.035)
                ellipse(img, x, y - r * 0.7, r, r * 1.1, _haze(scene, (60, 126, 64), sky, 0.2))
    if rng.random() < 0.6:
        petal = [(240, 90, 100), (250, 220, 80), (250, 250, 250), (190, 110, 220)][int(rng.integers(4))]
        for _ in range(int(70 * w / h)):
            y = rng.uniform(horizon + 0.16, 1.0)
            disc(img, rng.random() * w / h, y, 0.004 + 0.008 * (y - horizon), shade(scene, petal), 0.9)
    return sky


def forest(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    flat = np.full(w, horizon + 0.04, np.float32)
    for k, (size, fade) in enumerate([(0.34, 0.6), (0.44, 0.35), (0.56, 0.12)]):
        _conifers(rng, img, scene, sky, flat + 0.025 * k, 15 - 3 * k, size, fade, (34, 92, 60))
    line = ridge(rng, w / h, w, horizon + 0.06, 0.04, 0.1, 2)
    over(img, _textured(rng, h, w, shade(scene, (70, 116, 54)), 0.4, 1.0, 2.2), below(line, h, w))
    return sky


def desert(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    tones = [(232, 190, 130), (236, 184, 112), (240, 190, 112)]
    for k, colour in enumerate(tones):
        line = ridge(rng, w / h, w, horizon + 0.02 + 0.12 * k, 0.13 - 0.02 * k, 0.05, 1.1)
        slope = np.gradient(line) * h
        lit = np.clip(0.95 + slope * 0.55, 0.76, 1.08).astype(np.float32)
        lit = cv2.GaussianBlur(lit[None], (0, 0), max(w * 0.03, 1))[0]
        sand = _textured(rng, h, w, _haze(scene, colour, sky, 0.36 - 0.17 * k), 0.1, 1.4, 3.0) * lit[None, :, None]
        over(img, sand, below(line, h, w))
    return sky


def snowfield(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    for k in range(3):
        line = ridge(rng, w / h, w, horizon + 0.05 * k, 0.09 - 0.02 * k, 0.1, 1.3)
        snow = _textured(rng, h, w, _haze(scene, (236 + 4 * k, 243 + 3 * k, 252), sky, 0.3 - 0.14 * k), 0.1, 0.8, 2.0)
        if scene.time == "night":
            snow = snow * 1.25
        if k == 1:
            _conifers(rng, img, scene, sky, line, 12, 0.12, 0.25, (66, 108, 100))
        over(img, snow, below(line, h, w))
    return sky


def city(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    base = horizon + 0.08
    for layer, fade in ((0, 0.6), (1, 0.3), (2, 0.05)):
        x = -rng.random() * 0.1
        tints = [(128, 138, 158), (150, 130, 124), (108, 122, 150), (164, 152, 140), (120, 112, 130)]
        while x < w / h:
            bw = rng.uniform(0.09, 0.2)
            bh = rng.uniform(0.14, 0.5 - 0.12 * layer) * (horizon / 0.55)
            _building(rng, img, scene, x, base - bh, bw, base, _haze(scene, tints[int(rng.integers(5))], sky, fade), layer)
            x += bw + (0.0 if layer == 0 else rng.uniform(0.0, 0.12))
    y0 = int(base * h)
    over(img[y0:], shade(scene, (148, 146, 150)), np.ones((h - y0, w), np.float32))
    road = _textured(rng, h, w, shade(scene, (84, 86, 96)), 0.12, 1.2)
    over(img, road, below(np.full(w, base + 0.06, np.float32), h, w))
    dash_y = base + (1 - base) * 0.55
    dashes = [[(x, dash_y), (x + 0.1, dash_y), (x + 0.09, dash_y + 0.018), (x - 0.015, dash_y + 0.018)] for x in np.arange(-0.05, w / h, 0.22)]
    over(img, shade(scene, (236, 226, 190)), polygon_mask(h, w, dashes) * 0.8)
    if scene.weather == "rain":
        _wet(rng, img, base + 0.06)
    return sky


def _building(rng, img, scene, x, top, bw, base, colour, layer):
    h, w = img.shape[:2]
    x0, x1 = max(int(x * h), 0), min(int((x + bw) * h), w)
    y0, y1 = max(int(top * h), 0), int(base * h)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    face = img[y0:y1, x0:x1]
    side = np.linspace(1.04, 0.9, x1 - x0, dtype=np.float32)[None, :, None]
    face[:] = colour * side
    if layer == 0:
        return
    step_y, step_x = 0.036, 0.03
    lit_share = {"day": 0.0, "dusk": 0.4, "night": 0.5}[scene.time]
    for wy in np.arange(top + 0.02, base - 0.03, step_y):
        for wx in np.arange(x + 0.014, x + bw - 0.02, step_x):
            a, b, c, d = int(wy * h), int((wy + 0.019) * h), int(wx * h), int((wx + 0.016) * h)
            if c < 0 or a < 0 or d >= w:
                continue
            lit = rng.random() < lit_share
            img[a:b, c:d] = rgb(255, 214, 120) if lit else colour * (0.72 if scene.time != "day" else 1.0) + (0.1 if scene.time == "day" else 0)


def _wet(rng, img, top):
    h, w = img.shape[:2]
    y0 = int(top * h)
    n = h - y0
    source = img[max(0, y0 - n):y0][::-1]
    source = cv2.GaussianBlur(cv2.resize(source, (w, n)), (0, 0), sigmaX=max(w * 0.006, 0.6), sigmaY=max(h * 0.03, 1))
    over(img[y0:], source, (0.25 + 0.35 * noise(rng, n, w, 1.0, 3.0)).astype(np.float32))


NEON = [(255, 60, 120), (60, 220, 255), (255, 190, 60), (170, 90, 255), (80, 255, 160), (255, 90, 60)]


def alley(rng, img, scene, horizon):
    h, w = img.shape[:2]
    sky_img, sky = paint_sky(rng, h, w, scene, horizon)
    img[:] = sky_img
    ratio = w / h
    vx, vy = ratio * rng.uniform(0.42, 0.58), horizon
    gap = 0.07 * ratio
    _building(rng, img, scene, vx - gap * 1.3, vy - 0.2, gap * 2.6, vy + 0.02, _haze(scene, (110, 104, 130), sky, 0.4), 1)
    for sign in (-1, 1):
        edge = 0.0 if sign < 0 else ratio
        near_x, far_x = edge, vx + sign * gap
        for k in range(4):
            a, b = k / 4, (k + 1) / 4
            xa, xb = lerp(near_x, far_x, a ** 0.6), lerp(near_x, far_x, b ** 0.6)
            tops = [lerp(-0.15, vy - 0.3, t ** 0.6) for t in (a, b)]
            feet = [lerp(1.05, vy + 0.03, t ** 0.6) for t in (a, b)]
            tone = [(104, 84, 92), (84, 88, 112), (120, 98, 84), (92, 80, 108)][(k + int(rng.integers(4))) % 4]
            mask = polygon_mask(h, w, [[(xa, tops[0]), (xb, tops[1]), (xb, feet[1]), (xa, feet[0])]])
            over(img, _haze(scene, tone, sky, 0.12 * k) * (1.12 - 0.08 * (k % 2)), mask)
    ground = polygon_mask(h, w, [[(-0.1, 1.08), (vx - gap, vy + 0.03), (vx + gap, vy + 0.03), (ratio + 0.1, 1.08)]])
    over(img, _textured(rng, h, w, shade(scene, (90, 88, 100)), 0.2, 1.0), ground)
    power = {"day": 0.35, "dusk": 0.8, "night": 1.0}[scene.time]
    for _ in range(int(rng.integers(9, 14))):
        sign = -1 if rng.random() < 0.5 else 1
        t = rng.uniform(0.08, 0.75)
        x = lerp(0.0 if sign < 0 else ratio, vx + sign * gap, t) - sign * 0.03
        y = lerp(rng.uniform(0.08, 0.62), vy - rng.uniform(0.02, 0.2), t)
        s = lerp(0.09, 0.03, t)
        colour = rgb(*NEON[int(rng.integers(len(NEON)))])
        tall = rng.random() < 0.65
        hw, hh = (s * 0.32, s) if tall else (s * 0.8, s * 0.34)
        glow(img, x, y, s * 1.5, colour, 0.6 * power)
        box = polygon_mask(h, w, [[(x - hw, y - hh), (x + hw, y - hh), (x + hw, y + hh), (x - hw, y + hh)]])
        over(img, lerp(colour * 0.5, colour, power), box)
        inner = []
        for q in (np.linspace(-0.65, 0.65, 4) if tall else np.linspace(-0.7, 0.7, 4)):
            cx, cy = (x, y + q * hh) if tall else (x + q * hw, y)
            r = min(hw, hh) * 0.5
            inner.append([(cx - r, cy - r * 0.55), (cx + r, cy - r * 0.55), (cx + r * 0.7, cy + r * 0.6), (cx - r * 0.8, cy + r * 0.5)])
        over(img, lerp(colour, np.ones(3, np.float32), 0.75), polygon_mask(h, w, inner) * 0.9)
        if power > 0.5:
            glow(img, lerp(x, vx, 0.2), min(vy + (vy - y) * 0.5 + 0.16, 0.97), s * 1.3, colour, 0.3 * power)
    for _ in range(int(rng.integers(3, 6))):
        t = rng.uniform(0.2, 0.8)
        sign = -1 if rng.random() < 0.5 else 1
        x, y, r = lerp(0.04 if sign < 0 else ratio - 0.04, vx, t * 0.7), lerp(0.4, vy - 0.06, t), lerp(0.03, 0.01, t)
        glow(img, x, y, r * 2.4, rgb(255, 110, 60), 0.6 * power)
        ellipse(img, x, y, r, r * 1.2, lerp(rgb(190, 50, 40), rgb(255, 110, 70), power))
    if scene.weather == "rain" or rng.random() < 0.4:
        _wet(rng, img, vy + 0.06)
    return sky


def _window(rng, img, scene, x, y, ww, wh):
    h, w = img.shape[:2]
    outside = type(scene)("meadow", scene.time, scene.weather)
    view, _ = paint_sky(rng, max(int(wh * h), 8), max(int(ww * h), 8), outside, 0.8)
    over(img, shade(scene, (240, 236, 228)), polygon_mask(h, w, [[(x - 0.02, y - 0.02), (x + ww + 0.02, y - 0.02), (x + ww + 0.02, y + wh + 0.02), (x - 0.02, y + wh + 0.02)]]))
    x0, y0 = int(x * h), int(y * h)
    part = img[y0:y0 + view.shape[0], max(x0, 0):x0 + view.shape[1]]
    part[:] = view[:part.shape[0], :part.shape[1]]
    for a, b, c, d in ((x + ww / 2 - 0.008, y, x + ww / 2 + 0.008, y + wh), (x, y + wh * 0.45, x + ww, y + wh * 0.45 + 0.016)):
        over(img, shade(scene, (236, 230, 220)), polygon_mask(h, w, [[(a, b), (c, b), (c, d), (a, d)]]))


def _indoor_light(scene):
    return {"day": rgb(255, 252, 244), "dusk": rgb(255, 214, 178), "night": rgb(120, 108, 128)}[scene.time]


def _wood(rng, h, w, tone, planks):
    grain = noise(rng, h, w, 1.6, 14.0) * 0.3 + noise(rng, h, w, 0.6, 5.0) * 0.16
    board = tone * (0.82 + grain[..., None])
    for p in np.linspace(0, 1, planks + 1)[1:-1]:
        row = int(p ** 1.6 * h)
        board[row:row + max(h // 160, 1)] *= 0.72
    return board.astype(np.float32)


def room(rng, img, scene, horizon):
    h, w = img.shape[:2]
    light = _indoor_light(scene)
    wall = rgb(*[(232, 214, 188), (186, 208, 206), (222, 196, 190), (206, 212, 178), (180, 190, 214)][int(rng.integers(5))]) * light
    floor_y = horizon + 0.1
    img[:] = vertical(h, w, [(0, wall * 0.9), (floor_y, wall), (1, wall)])
    y0 = int(floor_y * h)
    img[y0:] = _wood(rng, h - y0, w, rgb(*[(176, 124, 78), (150, 102, 66), (196, 150, 100)][int(rng.integers(3))]) * light, 6)
    img[y0 - max(int(0.03 * h), 2):y0] = rgb(244, 240, 232) * light
    ratio = w / h
    left = rng.random() < 0.5
    x = ratio * (0.06 if left else 0.66)
    _window(rng, img, scene, x, 0.1, ratio * 0.26, 0.3)
    other = ratio * (0.72 if left else 0.1)
    frame = rgb(*[(120, 80, 50), (60, 60, 70), (190, 160, 90)][int(rng.integers(3))]) * light
    over(img, frame, polygon_mask(h, w, [[(other, 0.14), (other + 0.17, 0.14), (other + 0.17, 0.34), (other, 0.34)]]))
    over(img, rgb(*[(120, 170, 190), (210, 140, 110), (150, 180, 120)][int(rng.integers(3))]) * light, polygon_mask(h, w, [[(other + 0.015, 0.155), (other + 0.155, 0.155), (other + 0.155, 0.325), (other + 0.015, 0.325)]]))
    ellipse(img, ratio / 2, 0.88, ratio * 0.36, 0.09, rgb(*[(176, 66, 60), (70, 96, 140), (110, 130, 90), (150, 110, 150)][int(rng.integers(4))]) * light)
    if scene.time != "day":
        glow(img, ratio * (0.85 if left else 0.15), 0.3, 0.4, rgb(255, 190, 110), 0.4)
    return {"low": wall, "mid": wall, "sun": None, "light": light}


def table(rng, img, scene, horizon):
    h, w = img.shape[:2]
    light = _indoor_light(scene)
    wall = rgb(*[(214, 196, 168), (160, 178, 176), (196, 168, 156), (150, 160, 184), (188, 192, 158)][int(rng.integers(5))]) * light
    img[:] = vertical(h, w, [(0, wall * 0.8), (0.6, wall), (1, wall)])
    ratio = w / h
    if rng.random() < 0.7:
        _window(rng, img, scene, ratio * rng.choice([0.08, 0.64]), 0.06, ratio * 0.28, 0.36)
    for _ in range(5):
        colour = rgb(*[(255, 200, 120), (255, 240, 200), (220, 140, 90), (140, 170, 160)][int(rng.integers(4))]) * light
        ellipse(img, rng.random() * ratio, rng.uniform(0.1, horizon), 0.05, 0.05, colour, 0.35, soft=0.4)
    blurred = cv2.GaussianBlur(img, (0, 0), h * 0.012)
    img[:] = blurred
    y0 = int((horizon + 0.05) * h)
    img[y0:] = _wood(rng, h - y0, w, rgb(*[(172, 116, 68), (142, 92, 56), (196, 146, 92), (120, 78, 52)][int(rng.integers(4))]) * light, 5)
    shine = vertical(h - y0, w, [(0, np.full(3, 0.10, np.float32)), (0.4, np.zeros(3, np.float32)), (1, np.zeros(3, np.float32))])
    img[y0:] += shine * light
    if scene.time != "day":
        glow(img, ratio * rng.uniform(0.1, 0.9), 0.16, 0.4, rgb(255, 190, 110), 0.45)
    return {"low": wall, "mid": wall, "sun": None, "light": light}


def space(rng, img, scene, horizon):
    h, w = img.shape[:2]
    img[:] = vertical(h, w, [(0, rgb(6, 6, 20)), (1, rgb(16, 12, 40))])
    for colour in ((90, 40, 150), (30, 80, 160), (170, 50, 110)):
        if rng.random() < 0.7:
            over(img, rgb(*colour), smooth(0.5, 0.85, noise(rng, h, w, 0.7, 1.2)) * 0.6)
    for _ in range(int(170 * w / h)):
        disc(img, rng.random() * w / h, rng.random(), rng.uniform(0.002, 0.006), rgb(235, 238, 255), rng.uniform(0.3, 1))
    ratio = w / h
    x, y, r = ratio * (rng.uniform(0.04, 0.2) if rng.random() < 0.5 else rng.uniform(0.8, 0.96)), rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.17)
    tone = rgb(*[(226, 150, 90), (110, 160, 220), (200, 110, 130), (140, 190, 150)][int(rng.integers(4))])
    glow(img, x, y, r * 1.4, tone, 0.35)
    disc(img, x, y, r, tone)
    patch = np.zeros((h, w, 3), np.float32)
    disc(patch, x, y, r, np.ones(3, np.float32))
    bands = tone * (0.6 + 0.7 * noise(rng, h, w, 0.8, 4.0)[..., None])
    yy, xx = axes(h, w)
    over(img, bands * np.clip(1.15 - ((xx - x + r * 0.4) ** 2 + (yy - y + r * 0.4) ** 2) / (r * r) * 0.32, 0.15, 1.1)[..., None], patch[..., 0])
    return {"low": rgb(30, 24, 60), "mid": rgb(16, 12, 40), "sun": None, "light": rgb(230, 230, 250)}


def underwater(rng, img, scene, horizon):
    h, w = img.shape[:2]
    img[:] = vertical(h, w, [(0, rgb(110, 214, 232)), (0.4, rgb(30, 140, 196)), (1, rgb(8, 60, 120))])
    ratio = w / h
    for _ in range(5):
        x, s = rng.random() * ratio, rng.uniform(0.04, 0.09)
        ray = polygon_mask(h, w, [[(x, -0.05), (x + s, -0.05), (x + s * 3 + 0.2, 0.9), (x + 0.1, 0.9)]])
        img += (cv2.GaussianBlur(ray, (0, 0), h * 0.015) * np.linspace(0.16, 0, h, dtype=np.float32)[:, None])[..., None]
    bed = ridge(rng, ratio, w, 0.93, 0.08, 0.15, 1.6)
    over(img, _textured(rng, h, w, rgb(150, 170, 140), 0.25) * rgb(160, 220, 235), below(bed, h, w))
    for _ in range(int(rng.integers(5, 11))):
        x = (rng.random() * 0.28 if rng.random() < 0.5 else 1 - rng.random() * 0.28) * ratio
        tall, lean = rng.uniform(0.1, 0.26), rng.uniform(-0.04, 0.04)
        tone = rgb(*[(30, 130, 90), (60, 150, 80), (220, 90, 110), (240, 140, 90), (160, 80, 170)][int(rng.integers(5))]) * rgb(190, 225, 235)
        over(img, tone, polygon_mask(h, w, [[(x - 0.016, 0.97), (x + lean - 0.012, 0.97 - tall * 0.6), (x + lean * 0.3, 0.97 - tall), (x + lean + 0.014, 0.97 - tall * 0.6), (x + 0.016, 0.97)]]))
    for _ in range(14):
        x, y, r = rng.random() * ratio, rng.random() * 0.8, rng.uniform(0.005, 0.014)
        disc(img, x, y, r, rgb(200, 240, 250), 0.5)
        disc(img, x, y, r * 0.7, rgb(90, 190, 220), 0.5)
    return {"low": rgb(30, 120, 180), "mid": rgb(30, 120, 180), "sun": None, "light": rgb(200, 240, 250)}


def sky(rng, img, scene, horizon):
    h, w = img.shape[:2]
    img[:], info = paint_sky(rng, h, w, scene, 0.97)
    return info


PAINTERS = {"sea": sea, "beach": beach, "lake": lake, "city": city, "alley": alley, "forest": forest, "desert": desert,
            "mountains": mountains, "meadow": meadow, "snowfield": snowfield, "room": room, "table": table,
            "space": space, "underwater": underwater, "sky": sky}
