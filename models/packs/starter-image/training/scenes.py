"""What a picture shows, before it has words or pixels: objects, colours, place, time, weather."""
import hashlib
from dataclasses import asdict, dataclass

import numpy as np

from objects import COLOUR_NAMES, THINGS

PLACES = ["sea", "beach", "lake", "city", "alley", "forest", "desert", "mountains", "meadow",
          "snowfield", "room", "table", "space", "underwater", "sky"]
TIMES = ["day", "dusk", "night"]
WEATHERS = ["clear", "rain", "snow", "fog"]
INDOOR = {"room", "table"}
TIMELESS = {"space", "underwater"}

# Where each kind of thing is at home; every kind also appears now and then anywhere its picture makes sense.
HOME = {
    "g": ["beach", "city", "forest", "desert", "mountains", "meadow", "snowfield", "sea", "lake"],
    "n": ["beach", "forest", "desert", "mountains", "meadow", "snowfield", "city", "lake", "room"],
    "w": ["sea", "lake", "sea", "beach"],
    "a": ["sky", "meadow", "mountains", "sea", "desert", "city", "beach", "forest", "space", "snowfield"],
    "s": ["underwater", "sea", "underwater", "lake", "beach"],
    "t": ["table", "room", "table", "table", "beach", "meadow", "city", "snowfield", "forest", "desert"],
}
RELATIONS = ["beside", "left", "right", "above"]


@dataclass
class Scene:
    place: str
    time: str
    weather: str
    thing: int = -1
    colour: int = -1
    thing2: int = -1
    colour2: int = -1
    relation: str = ""
    choppy: bool = False
    beam: bool = False

    def as_dict(self):
        return asdict(self)


def is_held_out(scene):
    """One combination in twenty-five (object, colour, place, time, weather) is never rendered for training."""
    key = f"{scene.thing}|{scene.colour}|{scene.place}|{scene.time}|{scene.weather}"
    return scene.thing >= 0 and hashlib.sha256(key.encode()).digest()[0] < 10


def draw_scene(rng, held_out=None):
    """Draws a scene; `held_out` True or False asks for that side of the split only."""
    while True:
        scene = _draw(rng)
        if held_out is None or is_held_out(scene) == held_out:
            return scene


def _draw(rng):
    thing = int(rng.integers(len(THINGS))) if rng.random() < 0.9 else -1
    place = _place_for(rng, thing)
    time = str(rng.choice(TIMES, p=[0.4, 0.25, 0.35])) if place not in TIMELESS else "day"
    weather = "clear"
    if place not in TIMELESS and place not in INDOOR:
        weather = str(rng.choice(WEATHERS, p=[0.55, 0.16, 0.14, 0.15]))
    scene = Scene(place, time, weather, thing)
    if thing >= 0 and THINGS[thing].colourable and rng.random() < 0.5:
        scene.colour = int(rng.integers(len(COLOUR_NAMES)))
    if thing >= 0 and rng.random() < 0.16 and place != "alley":
        _add_second(rng, scene)
    scene.choppy = place == "sea" and rng.random() < 0.35
    scene.beam = thing == 0 and scene.time != "day" and rng.random() < 0.7
    return scene


def _place_for(rng, thing):
    if thing < 0:
        return pick(rng, PLACES)
    if rng.random() < 0.8:
        return pick(rng, HOME[THINGS[thing].kind])
    while True:
        place = pick(rng, PLACES)
        if not (place == "sky" and THINGS[thing].kind != "a"):
            return place


def _add_second(rng, scene):
    kinds = {"t": "t", "w": "wa", "s": "s"}.get(THINGS[scene.thing].kind, "gna")
    for _ in range(20):
        other = int(rng.integers(len(THINGS)))
        if other != scene.thing and THINGS[other].kind in kinds:
            break
    else:
        return
    scene.thing2 = other
    # The first of the pair is the one placed: "a bird above a house", "a cat to the left of a ball".
    if THINGS[scene.thing].kind == "a" and THINGS[other].kind != "a" and scene.place not in ("sky", "space", "underwater"):
        scene.relation = "above"
    else:
        scene.relation = pick(rng, ["beside", "beside", "left", "right"])
    if THINGS[other].colourable and rng.random() < 0.4:
        scene.colour2 = int(rng.integers(len(COLOUR_NAMES)))


def rng_of(*numbers):
    """A generator that depends only on the numbers given."""
    return np.random.default_rng(list(numbers))


def pick(rng, options):
    """One of the options, evenly; far quicker than numpy's choice on short lists."""
    return options[int(rng.integers(len(options)))]
