"""Skies: colour by the hour and the weather, sun, moon, stars, clouds."""
import numpy as np

from paint import disc, glow, lerp, noise, over, rgb, smooth, vertical

SKIES = {
    "day": [((58, 134, 220), (120, 184, 240), (206, 232, 250)), ((76, 160, 232), (150, 206, 246), (226, 242, 250)),
            ((40, 120, 200), (110, 180, 232), (190, 226, 240))],
    "dusk": [((64, 48, 110), (216, 96, 110), (255, 190, 110)), ((86, 62, 140), (240, 120, 100), (255, 208, 130)),
             ((50, 60, 120), (190, 90, 140), (255, 160, 110))],
    "night": [((6, 9, 30), (14, 22, 60), (34, 48, 96)), ((8, 8, 26), (20, 22, 64), (44, 44, 92)),
              ((4, 12, 30), (10, 30, 58), (26, 58, 88))],
}
VEIL = {"day": (202, 212, 222), "dusk": (196, 156, 150), "night": (42, 50, 72)}
LIGHT = {"day": (255, 255, 250), "dusk": (255, 196, 150), "night": (96, 112, 170)}


def paint_sky(rng, h, w, scene, horizon):
    """Returns the sky picture and a dict: `low` (its colour at the horizon), `sun` (x, y or None), `light`."""
    tones = [rgb(*c) for c in SKIES[scene.time][int(rng.integers(3))]]
    grey = rgb(*VEIL[scene.time])
    dull = {"clear": 0.0, "rain": 0.6, "snow": 0.5, "fog": 0.7}[scene.weather]
    if scene.weather == "rain":
        grey = grey * 0.72
    tones = [lerp(t, grey * k, dull) for t, k in zip(tones, (0.82, 0.92, 1.0))]
    img = vertical(h, w, [(0, tones[0]), (horizon * 0.6, tones[1]), (max(horizon, 0.05), tones[2]), (1, tones[2])])
    sun = None
    if scene.weather in ("clear", "snow") or rng.random() < 0.2:
        sun = _light(rng, img, scene, h, w, horizon)
    if scene.time == "night" and scene.weather == "clear":
        _stars(rng, img, h, w, horizon, int(130 * w / h))
    amount = {"clear": rng.choice([0.0, 0.35, 0.6, 0.75]), "rain": 1.0, "snow": 0.85, "fog": 0.5}[scene.weather]
    if scene.place == "sky":
        amount = max(amount, 0.75)
    if amount > 0:
        _clouds(rng, img, scene, h, w, horizon, amount, tones)
    return img, {"low": tones[2], "mid": tones[1], "sun": sun, "light": rgb(*LIGHT[scene.time])}


def _light(rng, img, scene, h, w, horizon):
    ratio = w / h
    x = ratio * (rng.uniform(0.08, 0.3) if rng.random() < 0.5 else rng.uniform(0.7, 0.92))
    if scene.time == "day":
        y = rng.uniform(0.08, max(horizon * 0.4, 0.12))
        glow(img, x, y, 0.22, rgb(255, 250, 220), 0.7)
        disc(img, x, y, 0.05, rgb(255, 246, 200))
    elif scene.time == "dusk":
        y = horizon - rng.uniform(0.0, 0.14)
        glow(img, x, y, 0.42, rgb(255, 170, 90), 0.75)
        disc(img, x, y, 0.07, rgb(255, 226, 150))
    else:
        y = rng.uniform(0.09, max(horizon * 0.45, 0.12))
        glow(img, x, y, 0.2, rgb(150, 170, 230), 0.4)
        r = rng.uniform(0.04, 0.06)
        under = img.copy()
        disc(img, x, y, r, rgb(244, 240, 214))
        if rng.random() < 0.5:
            cut = np.zeros((h, w, 3), np.float32)
            disc(cut, x + r * 0.55, y - r * 0.25, r * 0.92, np.ones(3, np.float32))
            over(img, under, cut[..., 0])
    return x, y


def _stars(rng, img, h, w, horizon, count):
    for _ in range(count):
        x, y = rng.random() * w / h, rng.random() ** 1.3 * horizon
        disc(img, x, y, rng.uniform(0.0022, 0.0052), rgb(235, 238, 255), rng.uniform(0.35, 1.0))


def _clouds(rng, img, scene, h, w, horizon, amount, tones):
    top = max(int(h * min(horizon + 0.05, 1.0)), 4)
    n = noise(rng, top, w, 0.8, rng.uniform(1.6, 2.6))
    y = np.linspace(0, 1, top, dtype=np.float32)[:, None]
    lo = lerp(0.68, 0.36, amount)
    mask = smooth(lo, lo + 0.16, n) * (1 - smooth(0.85, 1.0, y)) * lerp(0.75, 0.95, amount)
    body = smooth(lo, lo + 0.34, n)[..., None]
    if scene.time == "day":
        light, dark = (rgb(255, 255, 255), rgb(196, 210, 226)) if scene.weather == "clear" else (rgb(206, 212, 220), rgb(140, 150, 164))
    elif scene.time == "dusk":
        light, dark = (rgb(255, 196, 160), rgb(150, 92, 130)) if scene.weather == "clear" else (rgb(190, 150, 150), rgb(110, 88, 108))
    else:
        light, dark = rgb(58, 68, 104), rgb(22, 28, 54)
    over(img[:top], lerp(light, dark, body * 0.8), mask.astype(np.float32))
