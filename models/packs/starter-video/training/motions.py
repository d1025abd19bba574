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
    field.data[SHIFT_X] += (0.036 + 0.016 * pace) * lean * tall * _bump(field, scene, 1.8, 0, 0)


def still(random, field, scene, pace, direction=None):
    field.data[ZOOM] += min(0.12, 0.02 * field.length) * field.time / field.length


SIDES = {"left": ("left", "to the left", "leftwards", "towards the left"), "right": ("right", "to the right", "rightwards", "towards the right")}  # fmt: skip
HEIGHTS = {"up": ("up", "upwards", "towards the top"), "down": ("down", "downwards", "towards the bottom")}


def _each(verbs, ways):
    """Every verb with every way to say where."""
    return [f"{verb} {way}" for verb in verbs.split("|") for way in ways]


def _pan(direction):
    if direction in SIDES:
        turns = _each("pan|panning|the camera pans|camera panning|the camera moves|camera slides|the view moves|the camera turns", SIDES[direction])
        return [*turns, f"{direction} pan", f"a pan {direction}", f"a pan to the {direction}", f"a slow pan {direction}"]
    turns = _each("tilt|tilting|the camera tilts|camera tilting|pan|panning|the camera moves|the view moves|the camera looks", HEIGHTS[direction])
    return [*turns, f"{direction}ward tilt", f"a tilt {direction}", f"a tilt {direction}wards", f"a slow tilt {direction}"]


def _travel(direction):
    verbs = "moves|goes|flies|drifts|slides|travels|floats|heads|rushes"
    if direction in SIDES:
        return _each(f"{verbs}|rolls|rolling|drives|runs|sails|swims|walks|moving|flying", SIDES[direction])
    more = dict(
        up=["rises", "takes off", "rises up", "rises into the air", "lifts off", "climbs"],
        down=["sinks", "drops", "falls", "falls down", "drops down", "comes down"],
    )
    return [*more[direction], *_each(f"{verbs}|moving|flying|floating", HEIGHTS[direction])]


def _clouds(direction):
    moves = _each("clouds drift|clouds drifting|clouds move|clouds moving|clouds float|clouds pass|drifting clouds go|the sky moves", SIDES[direction])
    return [*moves, *(["drifting clouds", "clouds drift by", "passing clouds"] if direction == "right" else [])]


# (motion, direction): the words that ask for it. Some of each list are held out for measuring, see `held_out`.
ASKED = {
    **{("pan", way): _pan(way) for way in ("left", "right", "up", "down")},
    ("zoom", "in"): ["the view zooms in", "it zooms in", "the picture zooms in slowly", "getting nearer", "the camera gets closer", "zoom in on it", "the camera zooms in", "zoom in", "slow zoom in", "zooming in", "zooms in", "push in", "pushing in", "the camera pushes in", "camera moves closer", "the camera comes nearer", "getting closer", "dolly in", "the camera dollies in", "a close up nears", "a zoom in", "a slow push in", "camera zooming in"],
    ("zoom", "out"): ["the view zooms out", "it zooms out", "the picture zooms out slowly", "getting farther away", "the camera gets farther away", "zoom out of it", "the camera zooms out", "zoom out", "slow zoom out", "zooming out", "zooms out", "pull back", "pulling back", "the camera pulls back", "camera moves away", "the camera goes farther", "getting farther", "dolly out", "the camera dollies out", "the view widens", "a zoom out", "a slow pull back", "camera zooming out"],
    ("waves", None): ["waves", "choppy sea", "ocean waves", "waves rolling", "rolling waves", "the sea moves", "rippling water", "sea", "ocean", "waves on the sea", "choppy black sea", "a black sea", "by the sea", "a rough sea", "a stormy sea", "waves on a lake", "a wavy lake", "water ripples", "the ocean moves", "a sea with waves", "a choppy ocean", "rolling sea", "waves in the water", "choppy water", "a rolling sea"],
    ("clouds", "left"): _clouds("left"),
    ("clouds", "right"): _clouds("right"),
    ("rain", None): ["raindrops", "drops of rain", "rain drops fall", "raindrops fall", "rain dropping", "a shower of rain", "rain", "rain falls", "in the rain", "raining", "rainy", "it rains", "it is raining", "a storm with rain", "falling rain", "rain pours", "pouring rain", "heavy rain", "a rainy day", "rain falling down", "rain comes down", "rain drops", "a rain storm", "drizzle", "a rainy night", "rain pours down", "rain is falling", "in heavy rain"],
    ("snow", None): ["a snow shower", "flakes of snow", "snow flakes fall", "flakes fall", "snow dropping", "snow drifting", "snow", "snow falls", "in the snow", "snowing", "it snows", "it is snowing", "snowfall", "falling snow", "snowflakes", "snowy", "heavy snow", "a snowy day", "snow falling down", "snow comes down", "snow flakes", "a snow storm", "a snowy night", "snowflakes falling", "snow drifts down", "snow is falling", "in heavy snow"],
    ("beam", None): ["a beam turns", "the light turns", "a beam of light turns around", "the beam goes around", "the light beam sweeps", "beam sweeping", "a sweeping beam", "lighthouse beam sweeping", "a beam of light sweeps", "searchlight", "a search light turns", "beam sweeping across", "the beam sweeps", "the light sweeps", "a turning beam", "the beam turns", "a sweeping light", "a lighthouse beam", "beam of light", "the lighthouse beam turns", "a sweeping searchlight", "the beam of light turns"],
    ("daylight", "rise"): ["it becomes morning", "it becomes light", "the morning comes", "it turns light", "it grows light", "the day comes", "it is getting light", "sunrise", "the sun rises", "dawn breaks", "dawn", "the day begins", "it gets brighter", "it becomes day", "morning comes", "the sun comes up", "at sunrise", "the light grows", "the sky brightens", "it gets light", "the sun is rising", "getting brighter", "the sun rises and the day begins", "a rising sun", "it becomes brighter", "the morning begins"],
    ("daylight", "set"): ["it becomes evening", "it becomes dark", "the night comes", "it turns dark", "it grows dark", "the night begins", "it is getting dark", "sunset", "the sun sets", "night falls", "dusk falls", "the day ends", "it gets darker", "it becomes night", "evening comes", "the sun goes down", "at sunset", "the light fades", "the sky darkens", "it gets dark", "the sun is setting", "getting darker", "the sun sets and the day ends", "a setting sun", "it becomes darker", "the evening ends"],
    ("flicker", None): ["the flames flicker", "a flickering candle", "fire flickering", "a candle burns", "a fire burns", "the fire flickers", "a flickering fire", "campfire", "candle light flickers", "flames", "fire burning", "a candle flame", "a fire flickers", "flickering light", "the fire burns", "burning flames", "a burning candle", "flickering candle light", "a bonfire", "the light flickers", "a flickering flame", "a burning fire", "the candle flickers", "flickering flames"],
    ("bounce", None): ["it bounces up and down", "it jumps up and down", "it hops up and down", "it keeps bouncing", "bouncing again and again", "hops again and again", "bouncing", "bounces", "bounces up and down", "a bouncing ball", "jumps up and down", "jumping", "it bounces", "jumps", "hops", "hopping", "hops up and down", "bouncing up and down", "bounces again and again", "keeps bouncing", "it jumps", "jumping up and down", "it hops", "keeps jumping"],
    **{("travel", way): _travel(way) for way in ("left", "right", "up", "down")},
    ("sway", None): ["it rocks", "it leans from side to side", "swaying gently from side to side", "swings gently", "dancing in the wind", "it dances", "swaying", "sways in the wind", "swaying in the breeze", "waving in the wind", "dancing", "sways", "it sways", "swings", "swinging", "sways from side to side", "swinging from side to side", "rocks from side to side", "dances", "moves in the wind", "leans in the wind", "swaying from side to side", "swings in the wind", "rocking", "it swings", "swaying in the wind", "sways in the breeze"],
    ("still", None): ["", "", "a still scene", "quiet", "calm", "nothing moves", "a portrait", "a still picture", "no motion", "everything is still", "motionless", "a quiet scene", "it is calm", "still", "a calm still scene", "a quiet picture"],
}  # fmt: skip


def split(wordings):
    """`(for training, held out)`: every sixth of all but the first ten is held out; nearly all its words are in others."""
    held = {len(wordings) - 1 - at for at in range(0, len(wordings) - 10, 6)}
    return [words for at, words in enumerate(wordings) if at not in held], [words for at, words in enumerate(wordings) if at in held]


MAKERS = dict(pan=pan, zoom=zoom, waves=waves, clouds=clouds, rain=rain, snow=snow, beam=beam, daylight=daylight, flicker=flicker, bounce=bounce, travel=travel, sway=sway, still=still)  # fmt: skip
# Only one of a group at a time; of different groups any.
GROUPS = (("pan", "zoom"), ("waves",), ("clouds",), ("rain", "snow"), ("beam", "daylight", "flicker"), ("bounce", "travel", "sway"))  # fmt: skip
SLOW, FAST = ("slowly", "slow", "gently"), ("quickly", "fast", "rapidly")
