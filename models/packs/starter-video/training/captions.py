"""Clips to learn from: a caption, the picture's summary and the latents of the motions that the caption asks for."""

import numpy as np

from decoder import GRIDS
from motions import ASKED, FAST, GROUPS, MAKERS, SLOW, Field, split
from pictures import ADJECTIVES, NOUNS, PLACES, STYLES, picture, summary


def choose_motions(random):
    """One to three motions of different groups, sometimes none. Every direction is drawn as often as every motion that has
    none, for it must be learnt as well."""
    if random.uniform() < 0.05:
        return [("still", None)]
    wanted = random.choice([1, 2, 3], p=[0.6, 0.3, 0.1])
    ways, chosen, taken = [asked for asked in ASKED if asked[0] != "still"], [], set()
    for at in random.permutation(len(ways)):
        group = next(number for number, names in enumerate(GROUPS) if ways[at][0] in names)
        if group not in taken and len(chosen) < wanted:
            taken.add(group)
            chosen.append(ways[at])
    return chosen


def caption_of(random, motions, pace, held_out=False):
    phrases = []
    for motion in motions:
        words = split(ASKED[motion])[held_out]
        phrase = str(random.choice(words))
        if phrase and pace < 0.3 and random.uniform() < 0.5:
            phrase = f"{phrase} {random.choice(SLOW)}"
        if phrase and pace > 0.7 and random.uniform() < 0.5:
            phrase = f"{phrase} {random.choice(FAST)}"
        phrases.append(phrase)
    subject = f"{random.choice(ADJECTIVES)} {random.choice(NOUNS)}".strip()
    place = str(random.choice(PLACES)) if random.uniform() < 0.5 else ""
    # "in space" and the like say nothing about motion; a sea in the place would.
    lead = f"{subject} {place}".strip() if random.uniform() < 0.85 else ""
    if phrases and phrases[0] and lead and motions[0][0] in ("bounce", "travel", "sway") and random.uniform() < 0.7:
        lead, phrases = f"{subject} {phrases[0]} {place}".strip(), phrases[1:]
    if not lead and not any(phrases):
        lead = subject
    joiner = str(random.choice([", ", ", ", " and ", " "]))
    return joiner.join(part for part in [lead, *phrases] if part) + str(random.choice(STYLES))


def make_clip(random, frames, grid, held_out=False, motions=None):
    rows, columns = grid
    motions = choose_motions(random) if motions is None else motions
    pace = float(random.uniform())
    height, width = (50, 80) if columns > rows else (80, 50) if rows > columns else (64, 64)
    image, scene = picture(random, height, width, sea=any(name == "waves" for name, _ in motions))
    field = Field(frames, rows, columns)
    for name, direction in motions:
        MAKERS[name](random, field, scene, pace, direction)
    return dict(caption=caption_of(random, motions, pace, held_out), latents=field.data, seen=summary(image, rows, columns), image=image, scene=scene, motions=motions)


def random_grid(random):
    return GRIDS[random.choice(len(GRIDS), p=[0.7, 0.15, 0.15])]
