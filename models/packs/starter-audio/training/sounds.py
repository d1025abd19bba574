"""Twelve kinds of sound as levels `[frames, 112]` in 0..1 (see codec.py), each new at every call.

Nothing here is recorded: every sound is worked out from what makes it in the world, as far as 93 frames a second
and semitones can tell. Each maker takes a random generator and a strength in 0 (soft, slow, far) to 1 (strong,
fast, near).
"""

import numpy as np

from codec import BAND_HZ, BANDS, FEATURES, FLOOR_DB, FRAMES, HOP, RATE, TONE_HZ, TONES, bands_to_bins

FRAME_S = HOP / RATE
TIME = np.arange(FRAMES) * FRAME_S
OCTAVES = np.log2(BAND_HZ / 1000.0)
SILENCE_DB = -90.0
BAND_SHARE = bands_to_bins().sum(axis=1) / bands_to_bins().shape[1]
LOUD_PART_DB = -20.0


class Clip:
    """Power of noise bands and amplitude of tones, added up event by event."""

    def __init__(self):
        self.noise = np.zeros((FRAMES, BANDS))
        self.tones = np.zeros((FRAMES, TONES))

    def add_noise(self, envelope_db, colour_db):
        self.noise += 10.0 ** ((np.asarray(envelope_db)[:, None] + np.asarray(colour_db)[None]) / 10.0)

    def add_burst(self, start, levels_db, decay_s, colour_db):
        """A sudden start that falls by 60 dB in `decay_s` (one value, or one a band)."""
        frame = int(start / FRAME_S)
        if frame >= FRAMES:
            return
        elapsed = TIME[: FRAMES - frame, None]
        fall = -60.0 * elapsed / np.broadcast_to(decay_s, (BANDS,))[None]
        self.noise[frame:] += 10.0 ** ((levels_db + fall + colour_db[None]) / 10.0)

    def add_tone(self, hertz, amplitude_db):
        """One partial; both arguments may change from frame to frame. Between semitones it is shared by two."""
        position = np.broadcast_to(12.0 * np.log2(np.asarray(hertz, float) / TONE_HZ[0]), (FRAMES,))
        amplitude = 10.0 ** (np.broadcast_to(np.asarray(amplitude_db, float), (FRAMES,)) / 20.0)
        low = np.floor(position).astype(int)
        part = position - low
        rows = np.arange(FRAMES)
        for offset, share in ((0, 1.0 - part), (1, part)):
            column = low + offset
            valid = (column >= 0) & (column < TONES)
            np.add.at(self.tones, (rows[valid], column[valid]), (amplitude * share)[valid])

    def levels(self):
        """All kinds come equally loud in their loud parts; how loud one is in a scene is decided elsewhere."""
        power = self.noise @ BAND_SHARE + 0.125 * (self.tones**2).sum(axis=1)
        gain_db = LOUD_PART_DB - 10.0 * np.log10(np.quantile(power, 0.95) + 1e-9)
        noise_db = 10.0 * np.log10(self.noise + 1e-10) + gain_db
        tones_db = 20.0 * np.log10(self.tones + 1e-5) + gain_db
        both = np.concatenate([noise_db, tones_db], axis=1)
        return np.clip(1.0 + both / FLOOR_DB, 0.0, 1.05).astype(np.float32)


def tilt(decibels_per_octave, low=20.0, high=20_000.0):
    """A straight slope through 1 kHz, falling steeply outside `low`..`high` hertz."""
    below = np.maximum(0.0, np.log2(low / BAND_HZ))
    above = np.maximum(0.0, np.log2(BAND_HZ / high))
    return decibels_per_octave * OCTAVES - 18.0 * (below + above)


def hill(centre, width_octaves):
    """A smooth hump in hertz: 0 dB at its centre."""
    return -12.0 * (np.log2(BAND_HZ / centre) / width_octaves) ** 2


def wander(random, seconds, size):
    """A smooth random line with bends about every `seconds`, of deviation `size`."""
    count = int(np.ceil(FRAMES * FRAME_S / seconds)) + 4
    points = random.standard_normal(count) * size
    position = TIME / seconds + random.uniform(0, 1)
    index = position.astype(int)
    part = position - index
    smooth = part * part * (3 - 2 * part)
    return points[index] * (1 - smooth) + points[index + 1] * smooth


def waves(random, strength):
    clip = Clip()
    loud = -26 + 12 * strength
    clip.add_noise(loud - 14 + wander(random, 0.8, 1.5), tilt(-4.5, 60))
    moment = random.uniform(-1.5, 1.5)
    while moment < TIME[-1] + 2:
        height = loud + random.uniform(-3, 2)
        rise, fall = random.uniform(0.7, 1.3), random.uniform(1.3, 2.4)
        before = np.clip((moment - TIME) / rise, 0, None)
        after = np.clip((TIME - moment) / fall, 0, None)
        swell = height - 22 * before**1.3 - 20 * after
        clip.add_noise(swell + wander(random, 0.15, 1.0), tilt(-3.5, 50, 5000))
        # The foam hisses a little later and longer than the water booms.
        late = np.clip((moment + 0.25 - TIME) / (rise * 0.6), 0, None)
        foam = height - 5 - 30 * late - 13 * np.clip((TIME - moment - 0.25) / (fall * 1.3), 0, None)
        clip.add_noise(foam + wander(random, 0.08, 1.2), tilt(-0.5, 900, 9000))
        moment += random.uniform(2.4, 4.2)
    return clip.levels()


def wind(random, strength):
    clip = Clip()
    gust = wander(random, 1.1, 3.5) + wander(random, 0.3, 1.2)
    loud = -22 + 9 * strength + gust
    clip.add_noise(loud - 3, tilt(-5.5, 70, 3000))
    centre = (320 + 420 * strength) * 2.0 ** (gust / 9.0)
    width = 0.7 - 0.25 * strength
    howl = -12.0 * ((np.log2(BAND_HZ)[None] - np.log2(centre)[:, None]) / width) ** 2
    clip.noise += 10.0 ** ((loud[:, None] + 2 + howl) / 10.0)
    return clip.levels()


def rain(random, strength):
    clip = Clip()
    loud = -36 + 9 * strength
    clip.add_noise(loud + wander(random, 0.7, 0.8), hill(5200, 2.2))
    clip.add_noise(loud - 7 + wander(random, 0.5, 0.8), tilt(-1.5, 200))
    for _ in range(random.poisson((40 + 140 * strength) * TIME[-1])):
        centre = np.exp(random.uniform(np.log(1500), np.log(9000)))
        clip.add_burst(random.uniform(0, TIME[-1]), loud + random.uniform(0, 9), random.uniform(0.03, 0.09), hill(centre, 0.35))
    return clip.levels()


def thunder(random, strength):
    clip = Clip()
    clip.add_noise(-58 + wander(random, 1.0, 1.0), tilt(-4, 60))
    start = random.uniform(0.1, 1.2)
    loud = -14 + 8 * strength
    if strength > 0.45:
        for crack in range(random.integers(2, 5)):
            moment = start + 0.09 * crack * random.uniform(0.5, 1.5)
            clip.add_burst(moment, loud - 10 - 3 * crack, 0.35, tilt(-2.0, 150, 8000))
    moment = start + 0.05
    rolls = random.integers(7, 12)
    for roll in range(rolls):
        level = loud - 1.6 * roll + random.uniform(-4, 2)
        decay = 1.2 + 2.6 * (120.0 / np.maximum(BAND_HZ, 60.0)) ** 0.6
        clip.add_burst(moment, level, decay, tilt(-7.5, 35, 900) - 8)
        moment += random.uniform(0.12, 0.6)
    return clip.levels()


def fire(random, strength):
    clip = Clip()
    clip.add_noise(-33 + 4 * strength + wander(random, 0.25, 2.2), tilt(-6.0, 60, 900) - 6)
    clip.add_noise(-50 + 5 * strength + wander(random, 0.4, 2.0), tilt(-1.0, 700, 7000))
    for _ in range(random.poisson((7 + 15 * strength) * TIME[-1])):
        size = random.exponential(1.0)
        centre = np.exp(random.uniform(np.log(900), np.log(5000)))
        clip.add_burst(random.uniform(0, TIME[-1]), -34 + min(20.0, 7 * size), random.uniform(0.025, 0.07), hill(centre, 1.5))
    return clip.levels()


def birds(random, strength):
    clip = Clip()
    clip.add_noise(-64 + wander(random, 1.0, 1.0), hill(2500, 2.5))
    for _ in range(1 + int(random.integers(1, 3) * (0.6 + strength))):
        home = np.exp(random.uniform(np.log(2200), np.log(4300)))
        loud = random.uniform(-22, -10) - 4 * (1 - strength)
        kind = random.integers(0, 3)
        moment = random.uniform(0, 1.2)
        while moment < TIME[-1]:
            syllables = random.integers(2, 7)
            length = random.uniform(0.05, 0.14)
            for syllable in range(syllables):
                begin = moment + syllable * length * random.uniform(1.25, 1.45)
                inside = (TIME - begin) / length
                shape = np.where((inside > 0) & (inside < 1), np.sin(np.pi * np.clip(inside, 0, 1)) ** 0.7, 0.0)
                sweep = {0: 5 * (inside - 0.5), 1: -7 * (inside - 0.5), 2: 4 * np.sin(2 * np.pi * 2 * inside)}[int(kind)]
                hertz = home * 2.0 ** ((np.clip(sweep, -8, 8) + 2 * (syllable % 2)) / 12.0)
                clip.add_tone(hertz, np.where(shape > 0, loud + 20 * np.log10(shape + 1e-3), SILENCE_DB))
            moment += syllables * length * 1.35 + random.uniform(0.35, 1.5)
    return clip.levels()


def crickets(random, strength):
    clip = Clip()
    clip.add_noise(-62 + wander(random, 1.0, 0.7), hill(4500, 1.2))
    for cricket in range(2 + int(3 * strength)):
        hertz = TONE_HZ[random.integers(60, 67)]
        loud = random.uniform(-26, -13) - 5 * (cricket > 1)
        period = random.uniform(0.36, 0.62)
        pulses = random.integers(3, 5)
        phase = random.uniform(0, period)
        within = (TIME + phase) % period
        beat = within / 0.043
        on = (beat < pulses) * np.clip(np.sin(np.pi * (beat % 1.0)), 0, 1) ** 2
        clip.add_tone(hertz, np.where(on > 0.02, loud + 20 * np.log10(on + 1e-3), SILENCE_DB))
    return clip.levels()


def bells(random, strength):
    clip = Clip()
    clip.add_noise(np.full(FRAMES, -74.0), tilt(-3))
    root = int(random.integers(10, 30))
    strikes = 1 + int(random.integers(0, 2) + 1.6 * strength)
    gap = random.uniform(1.1, 2.2) if strikes > 1 else 9.0
    start = random.uniform(0.05, 0.6)
    melody = random.choice([0, 0, 2, 4, 7, -3], size=strikes)
    for strike in range(strikes):
        elapsed = TIME - start - strike * gap
        for semitones, level, seconds in ((-12, -9, 7.0), (0, 0, 5.0), (3, -7, 3.6), (7, -10, 3.0), (12, -4, 3.4), (19, -13, 1.6), (24, -11, 1.7), (28, -17, 1.1), (31, -20, 0.8)):
            column = root + int(melody[strike]) + semitones
            if 0 <= column < TONES:
                fall = -16 + 4 * strength + level - 50 * elapsed / seconds
                clip.add_tone(TONE_HZ[column], np.where(elapsed >= 0, fall, SILENCE_DB))
        if start + strike * gap < TIME[-1]:
            clip.add_burst(start + strike * gap, -34, 0.05, hill(2500, 1.5))
    return clip.levels()


def traffic(random, strength):
    clip = Clip()
    clip.add_noise(-25 + 5 * strength + wander(random, 0.9, 1.5), tilt(-5.0, 60, 1500))
    for _ in range(1 + random.poisson(1.0 + 1.6 * strength)):
        centre, width = random.uniform(-0.5, TIME[-1] + 0.5), random.uniform(0.5, 1.3)
        near = -((TIME - centre) / width) ** 2
        clip.add_noise(-23 + 5 * strength + 10 * np.maximum(near, -6), hill(random.uniform(600, 1100), 1.6))
    if random.uniform() < 0.35:
        begin, length = random.uniform(0.3, 4.2), random.uniform(0.25, 0.7)
        blowing = (TIME > begin) & (TIME < begin + length)
        low = int(random.integers(19, 24))
        for column, level in ((low, -20), (low + 4, -20), (low + 12, -26), (low + 16, -27), (low + 24, -32)):
            clip.add_tone(TONE_HZ[column], np.where(blowing, level, SILENCE_DB))
    return clip.levels()


def footsteps(random, strength):
    clip = Clip()
    clip.add_noise(np.full(FRAMES, -66.0), tilt(-4))
    pace = 0.72 - 0.34 * strength + random.uniform(-0.03, 0.03)
    floor = np.exp(random.uniform(np.log(1200), np.log(3200)))
    moment = random.uniform(0.05, pace)
    while moment < TIME[-1]:
        loud = -17 + random.uniform(-2, 2)
        clip.add_burst(moment, loud, 0.14, hill(140, 1.1))
        clip.add_burst(moment, loud - 12, 0.08, hill(floor, 1.2))
        clip.add_burst(moment + 0.075, loud - 13, 0.11, hill(floor * 1.3, 1.4))
        moment += pace * random.uniform(0.97, 1.03)
    return clip.levels()


def chords(random, strength):
    clip = Clip()
    clip.add_noise(np.full(FRAMES, -76.0), tilt(-3))
    key = int(random.integers(5, 17))
    steps = {0: (0, 4, 7), 5: (5, 9, 12), 7: (7, 11, 14), 9: (9, 12, 16)}
    length = 2.6 - 1.2 * strength
    moment, which = random.uniform(-0.3, 0.1), [0, 9, 5, 7]
    place = int(random.integers(0, 4))
    while moment < TIME[-1]:
        elapsed = TIME - moment
        for note in (*steps[which[place % 4]], steps[which[place % 4]][0] - 12):
            for overtone, level in ((0, 0), (12, -9), (19, -15), (24, -20), (28, -25)):
                column = key + note + overtone
                if 0 <= column < TONES:
                    attack = np.clip(elapsed / 0.05, 0, 1)
                    body = -19 + level - (13 + 0.7 * overtone) * np.maximum(elapsed, 0) / length
                    after = -45 * np.maximum(elapsed - length, 0) / 0.4
                    clip.add_tone(TONE_HZ[column], np.where(elapsed >= 0, body + after + 20 * np.log10(attack + 1e-3), SILENCE_DB))
        moment += length
        place += 1
    return clip.levels()


def room(random, strength):
    clip = Clip()
    clip.add_noise(-44 + 5 * strength + wander(random, 1.5, 0.6), tilt(-6.0, 45, 4000))
    clip.add_noise(-58 + wander(random, 1.5, 0.5), tilt(-1.0, 300, 7000))
    return clip.levels()


MAKERS = {
    "waves": waves,
    "wind": wind,
    "rain": rain,
    "thunder": thunder,
    "fire": fire,
    "birds": birds,
    "crickets": crickets,
    "bells": bells,
    "traffic": traffic,
    "footsteps": footsteps,
    "chords": chords,
    "room": room,
}
CLASSES = tuple(MAKERS)
assert FEATURES == BANDS + TONES
