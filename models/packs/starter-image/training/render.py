"""Renders a scene to pixels and reports where each object was put."""
import cv2
import numpy as np

from objects import COLOUR_NAMES, THINGS, Sprites, recolour
from paint import axes, below, blit, ellipse, glow, lerp, noise, over, polygon_mask, rgb, ridge, smooth
from places import PAINTERS, _textured, shade

_sprites = None


def sprites():
    global _sprites
    if _sprites is None:
        _sprites = Sprites()
    return _sprites


def layout(rng, scene, ratio):
    """Bottom centre and side of each object, `[(x, y, side)]` in units of the height, and the horizon."""
    horizon = float(rng.uniform(0.5, 0.62))
    if scene.thing < 0:
        return [], horizon
    kind = THINGS[scene.thing].kind
    reach = min(1.0, ratio)
    side = reach * float(rng.uniform(0.5, 0.64))
    x = ratio * 0.5 + ratio * float(rng.uniform(-0.1, 0.1))
    free = scene.place in ("sky", "space", "underwater") or kind == "a" and scene.place not in ("room", "table", "alley")
    if scene.place == "underwater" and kind in "gnt":
        free = False
    floor = float(rng.uniform(0.82, 0.92))
    y = (0.5 + side / 2 + float(rng.uniform(-0.1, 0.03))) if free else floor
    if scene.place in ("sea", "lake") and not free:
        y = float(rng.uniform(0.76, 0.86))
    spots = [(x, y, side)]
    if scene.thing2 >= 0:
        if scene.relation == "above":
            small = reach * float(rng.uniform(0.34, 0.4))
            big = reach * float(rng.uniform(0.42, 0.5))
            spots = [(x + ratio * float(rng.uniform(-0.12, 0.12)), 0.06 + small, small), (x, max(floor, 0.52 + big), big)]
            spots[1] = (spots[1][0], min(spots[1][1], 0.95), big)
        else:
            width = reach * float(rng.uniform(0.4, 0.47))
            if ratio > 1:
                width *= 1.1
            gap = ratio * float(rng.uniform(0.22, 0.255))
            first_left = scene.relation != "right"  # "beside" too, so that the words alone say where things are
            sign = -1 if first_left else 1
            y2 = y if not free else 0.5 + width / 2 + float(rng.uniform(-0.08, 0.08))
            y1 = y if not free else 0.5 + width / 2 + float(rng.uniform(-0.08, 0.08))
            if free and THINGS[scene.thing2].kind != "a" and scene.place not in ("sky", "space", "underwater"):
                y2 = floor
            spots = [(ratio / 2 + sign * gap, y1, width), (ratio / 2 - sign * gap, y2, width)]
    return spots, horizon


def lit(scene, sprite, colour, sky):
    """Adapts a sprite to the hour: named colours keep their hue, others take some of the light."""
    alpha = sprite[..., 3:]
    out = sprite.copy()
    named = colour >= 0
    if scene.place == "underwater":
        out[..., :3] = lerp(out[..., :3], out[..., :3] * rgb(150, 215, 240), 0.3 if named else 0.7)
    elif scene.time == "dusk":
        out[..., :3] *= lerp(np.ones(3, np.float32), rgb(250, 205, 185), 0.25 if named else 0.8)
    elif scene.time == "night":
        glowing = THINGS[scene.thing].name in ("lantern", "candle", "light bulb")
        tint = rgb(140, 150, 200) if scene.place not in ("alley", "room", "table") else rgb(190, 176, 200)
        out[..., :3] *= lerp(np.ones(3, np.float32), tint, 0.15 if glowing else 0.32 if named else 0.8)
    if scene.weather == "fog" and scene.place not in ("room", "table"):
        out[..., :3] = lerp(out[..., :3], sky["low"] * alpha, 0.07 if named else 0.14)
    if scene.time != "night" or scene.place == "alley":
        x = np.linspace(-1, 1, sprite.shape[1], dtype=np.float32)[None, :, None]
        side = -1 if not sky["sun"] else (1 if sky["sun"][0] > 0.5 else -1)
        out[..., :3] *= 1 + 0.07 * x * side
    return np.clip(out, 0, 1)


def _ground_contact(rng, img, scene, spot, kind, sky, sprite):
    h, w = img.shape[:2]
    x, y, side = spot
    ink = np.where(sprite[int(sprite.shape[0] * 0.86):, :, 3].max(0) > 0.4)[0]
    span = (ink.max() - ink.min()) / sprite.shape[1] if ink.size else 0.5
    centre = x + ((ink.max() + ink.min()) / 2 / sprite.shape[1] - 0.5) * side if ink.size else x
    dark = rgb(10, 12, 30)
    if scene.place in ("sea", "lake") and kind in "gnt":
        _islet(rng, img, scene, centre, y, max(side * span * 0.75, side * 0.3))
    if scene.place in ("sea", "lake") and kind in "ws":
        y0 = int(min(y * h, h - 2))
        n = min(int(side * h * 0.5), h - y0)
        if n > 2:
            flipped = cv2.resize(sprite[::-1], (sprite.shape[1], max(int(sprite.shape[0] * 0.6), 2)))[:n]
            flipped = flipped * np.linspace(0.45, 0.0, flipped.shape[0], dtype=np.float32)[:, None, None]
            blit(img, flipped_square(flipped), x, y + flipped.shape[0] / h, side)
        return
    strength = {"day": 0.38, "dusk": 0.4, "night": 0.45}[scene.time]
    ellipse(img, centre, y - 0.004, max(side * span * 0.62, side * 0.16), side * 0.055, dark, strength, soft=0.8)
    if sky["sun"] and scene.weather == "clear":
        away = -1 if sky["sun"][0] > x else 1
        ellipse(img, centre + away * side * 0.16, y + 0.002, side * max(span, 0.3) * 0.8, side * 0.05, dark, strength * 0.5, soft=0.7)


def flipped_square(part):
    """Pads a short premultiplied strip to a square whose content sits on the bottom edge."""
    n = part.shape[1]
    square = np.zeros((n, n, 4), np.float32)
    square[n - min(part.shape[0], n):] = part[:n]
    return square


def _islet(rng, img, scene, x, y, half):
    h, w = img.shape[:2]
    t = np.linspace(-1, 1, 13)
    top = [(x + half * 1.25 * a, y + 0.012 - 0.03 * np.sqrt(max(1 - a * a, 0)) - rng.random() * 0.006) for a in t]
    low = [(x + half * 1.3 * a, y + 0.02 + 0.035 * np.sqrt(max(1 - a * a, 0))) for a in t[::-1]]
    mask = polygon_mask(h, w, [[*top, *low]])
    over(img, shade(scene, (235, 244, 248)), np.clip(cv2.dilate(mask, np.ones((max(h // 100, 2), max(h // 50, 3)))) * 0.55, 0, 1))
    over(img, _textured(rng, h, w, shade(scene, (118, 112, 108)), 0.5, 1.6, 1.2), mask)


def _beam(rng, img, spot, scene):
    h, w = img.shape[:2]
    x, y, side = spot
    lx, ly = x, y - side * 0.81
    for sign in (-1, 1) if rng.random() < 0.5 else (int(rng.choice([-1, 1])),):
        tilt = rng.uniform(-0.06, 0.1)
        far = lx + sign * 1.6
        cone = polygon_mask(h, w, [[(lx, ly - 0.012), (far, ly + tilt - 0.2), (far, ly + tilt + 0.2), (lx, ly + 0.012)]])
        xx = axes(h, w)[1]
        fade = np.clip(1 - np.abs(xx - lx) / 1.1, 0, 1)
        img += (1 - img) * (cone * fade * 0.55)[..., None] * rgb(255, 240, 190)
    glow(img, lx, ly, 0.09, rgb(255, 240, 190), 0.9)


def _weather(rng, img, scene, sky):
    h, w = img.shape[:2]
    if scene.place in ("room", "table", "space", "underwater"):
        return
    if scene.weather == "fog":
        y = axes(h, w)[0]
        veil = (0.16 + 0.3 * smooth(0.25, 0.6, y) * (1 - smooth(0.62, 0.95, y))) * (0.65 + 0.6 * noise(rng, h, w, 0.6, 3.0))
        over(img, sky["low"], np.clip(veil, 0, 0.8).astype(np.float32))
    elif scene.weather == "rain":
        layer = np.zeros((h, w), np.uint8)
        slant = rng.uniform(-0.12, 0.12)
        for _ in range(int(170 * w / h)):
            x, y, n = rng.uniform(-0.1, 1.1) * w, rng.uniform(-0.1, 1) * h, rng.uniform(0.03, 0.08) * h
            cv2.line(layer, (int(x * 16), int(y * 16)), (int((x + slant * n) * 16), int((y + n) * 16)), int(rng.uniform(70, 150)), max(1, round(h / 256)), cv2.LINE_AA, 4)
        over(img, rgb(214, 226, 240), layer.astype(np.float32) / 255 * 0.75)
    elif scene.weather == "snow":
        for _ in range(int(130 * w / h)):
            ellipse(img, rng.random() * w / h, rng.random(), *(rng.uniform(0.004, 0.010),) * 2, np.ones(3, np.float32), rng.uniform(0.5, 0.95), soft=0.6)


def render(rng, scene, w, h):
    """Returns `[h, w, 3] uint8` and the objects' boxes `[(centre x, centre y, side)]` in units of the height."""
    ratio = w / h
    spots, horizon = layout(rng, scene, ratio)
    img = np.zeros((h, w, 3), np.float32)
    sky = PAINTERS[scene.place](rng, img, scene, horizon)
    pairs = [(scene.thing, scene.colour), (scene.thing2, scene.colour2)]
    for spot, (thing, colour) in reversed(list(zip(spots, pairs))):
        x, y, side = spot
        sprite = sprites().get(thing, max(int(round(side * h)), 8))
        if colour >= 0:
            sprite = recolour(sprite, COLOUR_NAMES[colour])
        sprite = lit(scene, sprite, colour, sky)
        kind = THINGS[thing].kind
        floats = scene.place in ("sky", "space") or scene.place == "underwater" and kind in "swa" or kind == "a" and y < 0.8
        if not floats:
            _ground_contact(rng, img, scene, spot, kind, sky, sprite)
        if scene.time == "night" and scene.place not in ("space",):
            glow(img, x, y - side / 2, side * 0.5, rgb(120, 130, 190), 0.16)
        blit(img, sprite, x, y, side)
        if thing == 0 and scene.beam:
            _beam(rng, img, spot, scene)
    np.clip(img, 0, 1, out=img)
    _weather(rng, img, scene, sky)
    boxes = [(x, y - side / 2, side) for x, y, side in spots]
    return (np.clip(img, 0, 1) * 255 + 0.5).astype(np.uint8), boxes
