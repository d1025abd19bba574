"""Plain pictures to set in motion while training: a horizon, something on it, or one thing before a backdrop."""

import numpy as np

from motions import Scene

SKIES = ((0.55, 0.75, 0.95), (0.95, 0.7, 0.5), (0.07, 0.09, 0.2), (0.75, 0.78, 0.82), (0.2, 0.3, 0.55), (0.98, 0.85, 0.7))
SEAS = ((0.1, 0.3, 0.5), (0.02, 0.05, 0.1), (0.2, 0.5, 0.55), (0.3, 0.4, 0.5))
LANDS = ((0.3, 0.5, 0.2), (0.8, 0.7, 0.45), (0.9, 0.92, 0.96), (0.25, 0.22, 0.2), (0.45, 0.4, 0.35))
NOUNS = """lighthouse boat ship bird ball car train house tree castle mountain dog cat horse rocket balloon kite robot
person woman man child girl boy dancer flower apple cup lamp clock guitar star moon island bridge tower windmill duck
fish whale dolphin bear fox rabbit owl eagle plane bicycle bus truck sailboat tent umbrella chair book cake pizza leaf
mushroom cactus palm penguin elephant lion tiger dragon ghost snowman pumpkin heart gem crown""".split()
PLACES = """on a beach|in a forest|in a city|over the hills|at night|in a desert|in the mountains|in a garden|by the
shore|on a table|in a field|under a blue sky|at dusk|in space|on a street|near a village""".replace("\n", " ").split("|")
STYLES = ["", "", "", ", cinematic", ", photorealistic", ", detailed", ", watercolour", ", 4k", ", illustration"]
ADJECTIVES = ["", "", "a solitary", "a red", "a small", "an old", "a blue", "a beautiful", "a big", "two", "the"]


def picture(random, height, width, sea):
    """`[height, width, 3]` in 0..1 and the scene in it."""
    x = (np.arange(width) + 0.5)[None, :, None] / width
    y = (np.arange(height) + 0.5)[:, None, None] / height
    sky = np.array(SKIES[random.integers(len(SKIES))]) * random.uniform(0.8, 1.1)
    plain = not sea and random.uniform() < 0.35
    horizon = 0.62 if plain else random.uniform(0.36, 0.66)
    image = np.broadcast_to(sky * (0.75 + 0.35 * y / horizon), (height, width, 3)).copy()
    if not plain:
        for _ in range(random.integers(0, 6)):
            cx, cy, size = random.uniform(0, 1), random.uniform(0, horizon * 0.8), random.uniform(0.05, 0.16)
            puff = np.exp(-(((x - cx) / size) ** 2 + ((y - cy) / (size * 0.5)) ** 2))
            image += puff * random.uniform(0.05, 0.35)
        kinds = SEAS if sea else LANDS
        ground = np.array(kinds[random.integers(len(kinds))]) * random.uniform(0.7, 1.1)
        stripes = 0.06 * np.sin(2 * np.pi * (random.uniform(6, 14) * y**2 + random.uniform(1, 5) * x) + random.uniform(0, 6))
        image = np.where(y > horizon, ground * (0.8 + 0.4 * y) + stripes, image)
    radius = random.uniform(0.16, 0.3) if plain else random.uniform(0.06, 0.17)
    centre = (random.uniform(0.3, 0.7), random.uniform(0.42, 0.58) if plain else horizon + random.uniform(-0.12, 0.12))
    colour = np.array(random.uniform(0, 1, 3))
    aspect = random.uniform(0.7, 1.6)
    away = ((x - centre[0]) * width / height / radius * aspect) ** 2 + ((y - centre[1]) / radius) ** 2
    if random.uniform() < 0.4:
        away = np.maximum(np.abs((x - centre[0]) * width / height / radius * aspect), np.abs((y - centre[1]) / radius)) ** 2
    cover = np.clip((1 - away) * 6, 0, 1)
    image = image * (1 - cover) + cover * colour * (1.1 - 0.4 * away.clip(0, 1))
    return np.clip(image, 0, 1), Scene(horizon, centre, radius)


def summary(image, rows, columns):
    """What the motion graph sees of a picture: `[4, rows, columns]`, mean colour in -1..1 and contrast of each cell."""
    height, width = image.shape[:2]
    tops = (np.arange(rows + 1) * height) // rows
    lefts = (np.arange(columns + 1) * width) // columns
    out = np.zeros((4, rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            cell = image[tops[row] : tops[row + 1], lefts[column] : lefts[column + 1]].reshape(-1, 3)
            out[:3, row, column] = cell.mean(axis=0) * 2 - 1
            out[3, row, column] = 4 * cell.mean(axis=1).std()
    return out
