"""Motions a prompt can ask for, each as an addition to a field of latents, with the words that ask for it.

Directions are of what is seen: a camera that pans left makes the picture move right.
"""

import numpy as np

from decoder import CHANNELS, FRAMES_PER_LATENT, FRAMES_PER_SECOND

PAN_X, PAN_Y, ZOOM, SHIFT_X, SHIFT_Y, LIGHT, RAIN, SNOW = range(len(CHANNELS))
STEP_S = FRAMES_PER_LATENT / FRAMES_PER_SECOND


class Scene:
    """Where things are in the picture, in fractions of it, for the motions to take hold of."""

    def __init__(self, horizon, centre, radius):
        self.horizon, self.centre, self.radius = horizon, centre, radius


class Field:
    def __init__(self, frames, rows, columns):
        self.data = np.zeros((len(CHANNELS), frames, rows, columns), np.float32)
        self.time = (np.arange(frames) * STEP_S)[:, None, None]
        self.length = max(STEP_S, (frames - 1) * STEP_S)
        self.x = ((np.arange(columns) + 0.5) / columns)[None, None]
        self.y = ((np.arange(rows) + 0.5) / rows)[None, :, None]

    def through(self, speed, most):
        """A steady movement around zero, as far as `most` in all."""
        total = min(most, speed * self.length)
        return total * (self.time / self.length - 0.5)


def _smoothstep(x):
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def pan(random, field, scene, pace, direction):
    horizontal = direction in ("left", "right")
    sign = 1 if direction in ("left", "up") else -1
    field.data[PAN_X if horizontal else PAN_Y] += sign * field.through((0.028 + 0.02 * pace) * random.uniform(0.9, 1.1), 0.17)


def zoom(random, field, scene, pace, direction):
    total = min(0.34, (0.045 + 0.035 * pace) * field.length * random.uniform(0.9, 1.1))
    part = field.time / field.length
    field.data[ZOOM] += total * (part if direction == "in" else 1 - part)


def waves(random, field, scene, pace, direction=None):
    depth = np.clip((field.y - scene.horizon) / (1 - scene.horizon), 0, 1)
    reach = _smoothstep(depth * 5) * (0.35 + 0.65 * depth)
    for size in (1.0, 0.5):
        turn = 2 * np.pi * random.uniform(0.38, 0.5) * (0.8 + 0.5 * pace) / (1 if size == 1.0 else 0.8)
        across = random.uniform(1.0, 2.0) / size
        phase = 2 * np.pi * (across * field.x + 1.2 * depth / size) - turn * field.time + random.uniform(0, 6.28)
        field.data[SHIFT_Y] += 0.016 * (0.7 + 0.6 * pace) * size * reach * np.sin(phase)
        field.data[SHIFT_X] += 0.008 * (0.7 + 0.6 * pace) * size * reach * np.cos(phase)


def clouds(random, field, scene, pace, direction):
    sign = -1 if direction == "left" else 1
    above = _smoothstep((scene.horizon - field.y) / (0.35 * scene.horizon))
    field.data[SHIFT_X] += sign * above * field.through((0.02 + 0.015 * pace) * random.uniform(0.9, 1.1), 0.14)


def rain(random, field, scene, pace, direction=None):
    field.data[RAIN] += 0.7 + 0.5 * pace


def snow(random, field, scene, pace, direction=None):
    field.data[SNOW] += 0.7 + 0.5 * pace


def beam(random, field, scene, pace, direction=None):
    source_x = scene.centre[0]
    source_y = max(0.12, scene.centre[1] - scene.radius)
    swing = np.pi * 0.75 * np.cos(2 * np.pi * (0.14 + 0.08 * pace) * field.time + random.uniform(0, 6.28))
    across, down = field.x - source_x, (field.y - source_y) * 0.7
    angle = np.arctan2(across, down + 0.05)
    apart = np.abs(np.angle(np.exp(1j * (angle - swing))))
    distance = np.sqrt(across**2 + down**2)
    field.data[LIGHT] += 1.0 * np.exp(-((apart / 0.42) ** 2)) * np.exp(-distance * 0.9) - 0.22


def daylight(random, field, scene, pace, direction):
    part = _smoothstep(field.time / field.length)
    rising = part if direction == "rise" else 1 - part
    glow = np.exp(-(((field.y - scene.horizon) / 0.5) ** 2))
    field.data[LIGHT] += (-0.45 + 0.75 * rising) * (0.7 + 0.5 * glow)


def flicker(random, field, scene, pace, direction=None):
    frames = field.time.shape[0]
    random_line = random.standard_normal(frames + 2)
    line = (0.5 * random_line[1:-1] + 0.25 * (random_line[:-2] + random_line[2:]))[:, None, None]
    near = _bump(field, scene, 1.6, 0, 0)
    field.data[LIGHT] += (0.18 + 0.06 * pace) * (0.4 + near) * line + 0.12 * near


def _bump(field, scene, size, along_x, along_y):
    reach = max(0.16, scene.radius * size)
    near = ((field.x - scene.centre[0] - along_x) / reach) ** 2 + ((field.y - scene.centre[1] - along_y) / (reach * 1.3)) ** 2
    return np.exp(-(near**1.5))


def bounce(random, field, scene, pace, direction=None):
    up = 0.5 - 0.5 * np.cos(2 * np.pi * (0.55 + 0.35 * pace) * field.time + random.uniform(0, 6.28))
    height = -(0.08 + 0.05 * pace) * up
    field.data[SHIFT_Y] += height * _bump(field, scene, 1.5, 0, height)


def travel(random, field, scene, pace, direction):
    sign = -1 if direction in ("left", "up") else 1
    along = sign * field.through((0.035 + 0.02 * pace) * random.uniform(0.9, 1.1), 0.17)
    if direction in ("left", "right"):
        field.data[SHIFT_X] += along * _bump(field, scene, 1.9, along, 0)
        field.data[SHIFT_Y] += 0.006 * np.sin(2 * np.pi * 0.6 * field.time) * _bump(field, scene, 1.9, along, 0)
    else:
        field.data[SHIFT_Y] += along * _bump(field, scene, 1.9, 0, along)


def sway(random, field, scene, pace, direction=None):
    lean = np.sin(2 * np.pi * (0.3 + 0.2 * pace) * field.time + random.uniform(0, 6.28))
    tall = np.clip((scene.centre[1] + scene.radius - field.y) / max(0.2, 2 * scene.radius), 0, 1)
    field.data[SHIFT_X] += (0.022 + 0.012 * pace) * lean * tall * _bump(field, scene, 1.8, 0, 0)


def still(random, field, scene, pace, direction=None):
    field.data[ZOOM] += min(0.12, 0.02 * field.length) * field.time / field.length


# (motion, direction): the words that ask for it. The last of each list are held out for measuring.
ASKED = {
    ("pan", "left"): ["the camera pans left", "pan left", "camera panning to the left", "panning left", "camera moves left", "a pan to the left"],
    ("pan", "right"): ["the camera pans right", "pan right", "camera panning to the right", "panning right", "camera moves right", "a pan to the right"],
    ("pan", "up"): ["the camera tilts up", "tilt up", "camera tilting upwards", "pan up", "camera moves up", "a tilt up"],
    ("pan", "down"): ["the camera tilts down", "tilt down", "camera tilting downwards", "pan down", "camera moves down", "a tilt down"],
    ("zoom", "in"): ["the camera zooms in", "zoom in", "slow zoom in", "push in", "zooming in", "camera moves closer", "dolly in", "a zoom in"],
    ("zoom", "out"): ["the camera zooms out", "zoom out", "slow zoom out", "pull back", "zooming out", "camera moves away", "dolly out", "a zoom out"],
    ("waves", None): ["waves", "choppy sea", "ocean waves", "waves rolling", "the sea moves", "rippling water", "sea", "ocean", "waves on the sea", "choppy black sea", "a wavy sea"],
    ("clouds", "left"): ["clouds drift left", "clouds drifting to the left", "clouds moving left", "clouds float to the left"],
    ("clouds", "right"): ["clouds drift right", "clouds drifting to the right", "clouds moving right", "drifting clouds", "clouds drift by", "clouds float to the right"],
    ("rain", None): ["rain", "rain falls", "in the rain", "raining", "rainy", "a storm with rain", "falling rain", "rain pours down"],
    ("snow", None): ["snow", "snow falls", "in the snow", "snowing", "snowfall", "falling snow", "snowflakes", "snow drifts down"],
    ("beam", None): ["a sweeping beam", "lighthouse beam sweeping", "a beam of light sweeps", "searchlight", "beam sweeping across", "a lighthouse beam"],
    ("daylight", "rise"): ["sunrise", "the sun rises", "dawn breaks", "the day begins", "it gets brighter", "the sun is rising"],
    ("daylight", "set"): ["sunset", "the sun sets", "night falls", "the day ends", "it gets darker", "the sun is setting"],
    ("flicker", None): ["a flickering fire", "campfire", "candle light flickers", "flames", "fire burning", "a candle flame", "a flickering flame"],
    ("bounce", None): ["bouncing", "bounces", "bounces up and down", "a bouncing ball", "jumps up and down", "jumping", "it bounces"],
    ("travel", "left"): ["rolls to the left", "moves left", "flies left", "rolling left", "flies to the left", "drives left", "goes to the left"],
    ("travel", "right"): ["rolls to the right", "moves right", "flies right", "rolling right", "flies to the right", "drives right", "goes to the right"],
    ("travel", "up"): ["flies up", "rises up", "moves up", "floats upwards", "takes off", "goes up"],
    ("travel", "down"): ["falls down", "sinks", "moves down", "floats downwards", "drops down", "goes down"],
    ("sway", None): ["swaying", "sways in the wind", "swaying in the breeze", "waving in the wind", "dancing", "sways gently"],
    ("still", None): ["", "a still scene", "quiet", "calm", "nothing moves", "a portrait"],
}
MAKERS = dict(pan=pan, zoom=zoom, waves=waves, clouds=clouds, rain=rain, snow=snow, beam=beam, daylight=daylight, flicker=flicker, bounce=bounce, travel=travel, sway=sway, still=still)  # fmt: skip
# Only one of a group at a time; of different groups any.
GROUPS = (("pan", "zoom"), ("waves",), ("clouds",), ("rain", "snow"), ("beam", "daylight", "flicker"), ("bounce", "travel", "sway"))  # fmt: skip
SLOW, FAST = ("slowly", "slow", "gently"), ("quickly", "fast", "rapidly")
HELD_OUT = 1
