"""Turns a scene into one of many natural sentences."""
from objects import COLOUR_NAMES, THINGS
from scenes import pick

PLACE_WORDS = {
    "sea": ["at sea", "on the sea", "in the ocean", "by the sea", "on the open sea", "surrounded by the sea", "on the water", "in the waves"],
    "beach": ["on the beach", "on a sandy beach", "at the seaside", "on the shore", "on a tropical beach", "on the coast"],
    "lake": ["by a lake", "at the lake", "on a lake", "beside a calm lake", "at a mountain lake", "by a river", "near the water"],
    "city": ["in the city", "on a city street", "in a big city", "downtown", "on the street", "in front of a skyline", "on a road in town", "between skyscrapers"],
    "alley": ["in an alley", "in a neon-lit alley", "in a narrow alley", "in an alley in tokyo", "between neon signs", "in a back street in tokyo", "in a narrow street"],
    "forest": ["in a forest", "in the woods", "among pine trees", "in a deep forest", "in the jungle", "at the edge of the forest"],
    "desert": ["in the desert", "among sand dunes", "on the dunes", "in the sahara", "in a sandy desert"],
    "mountains": ["in the mountains", "in front of mountains", "below snowy peaks", "in an alpine valley", "high in the alps", "in the highlands"],
    "meadow": ["in a meadow", "on a green field", "in a field of flowers", "on a hill", "in the garden", "on the grass", "in the countryside", "in a park", "on a farm"],
    "snowfield": ["in a snowy field", "on the snow", "in a winter landscape", "on the ice", "in a snowy landscape", "in the arctic", "in winter"],
    "room": ["in a room", "in a living room", "on the floor of a room", "inside a house", "in a bedroom", "by the window indoors", "at home"],
    "table": ["on a table", "on a wooden table", "on a kitchen table", "on a desk", "on a wooden desk", "in the kitchen"],
    "space": ["in space", "in outer space", "among the stars", "in front of a planet", "floating in the galaxy"],
    "underwater": ["underwater", "under the sea", "in the deep sea", "at the bottom of the ocean", "in a coral reef", "under water"],
    "sky": ["in the sky", "high in the sky", "above the clouds", "among the clouds", "in the air"],
}
PLACE_ALONE = {
    "sea": ["the sea", "an open sea", "the ocean", "waves on the ocean", "a seascape"],
    "beach": ["a beach", "a sandy beach", "a tropical beach with palms", "the seaside", "a quiet shore"],
    "lake": ["a lake", "a calm lake", "a mountain lake", "a lake with reflections", "a river landscape"],
    "city": ["a city street", "a city skyline", "a big city", "tall buildings in a city", "downtown", "a cityscape"],
    "alley": ["an alley", "a neon-lit alley", "a neon-lit alley in tokyo", "a narrow street with neon signs", "an alley in japan"],
    "forest": ["a forest", "a pine forest", "the woods", "a deep forest", "trees in a forest"],
    "desert": ["a desert", "sand dunes", "the sahara", "a desert landscape", "dunes in the desert"],
    "mountains": ["mountains", "a mountain landscape", "snowy peaks", "an alpine valley", "a mountain range", "a valley between mountains"],
    "meadow": ["a meadow", "a green field", "rolling hills", "a field of flowers", "a garden", "a park", "the countryside", "a landscape"],
    "snowfield": ["a snowy field", "a winter landscape", "snow and pine trees", "the arctic", "a snowy landscape"],
    "room": ["a room", "a living room", "an empty room", "a cosy room with a window", "a bedroom"],
    "table": ["a wooden table", "an empty table", "a kitchen table", "a desk", "a table in a kitchen"],
    "space": ["outer space", "a galaxy", "stars and a planet", "a nebula", "deep space"],
    "underwater": ["an underwater scene", "the deep sea", "a coral reef", "the bottom of the ocean"],
    "sky": ["the sky", "clouds", "clouds in the sky", "a wide sky", "a sky full of clouds"],
}
TIME_WORDS = {
    "day": ["by day", "during the day", "at noon", "in the morning", "in daylight", "in bright sunlight", "on a bright day", "at midday"],
    "dusk": ["at dusk", "at sunset", "in the evening", "at sunrise", "at golden hour", "at dawn", "in the evening light", "in twilight"],
    "night": ["at night", "by night", "in the dark", "at midnight", "under the stars", "in the moonlight", "on a dark night", "late at night"],
}
WEATHER_WORDS = {
    "clear": ["under a clear sky", "in clear weather", "on a clear day", "in fine weather"],
    "rain": ["in the rain", "on a rainy day", "in a rainstorm", "in pouring rain", "in a storm", "with rain falling", "in rainy weather"],
    "snow": ["in the snow", "while it snows", "with snow falling", "in a snowstorm", "in falling snow", "in snowy weather"],
    "fog": ["in the fog", "in thick fog", "in the mist", "on a foggy day", "in misty weather", "in the haze"],
}
TIME_ADJ = {"day": ["sunny", "bright", "daytime"], "dusk": ["golden", "evening", "sunset"], "night": ["dark", "moonlit", "nocturnal", "starry"]}
WEATHER_ADJ = {"clear": ["clear"], "rain": ["rainy", "wet", "stormy"], "snow": ["snowy"], "fog": ["foggy", "misty", "hazy"]}
STYLES = ["photorealistic", "cinematic", "highly detailed", "a photo", "digital art", "illustration", "4k", "8k", "beautiful",
          "flat design", "vector art", "drawing", "masterpiece", "soft light", "sharp focus", "wide shot", "dramatic lighting", "colourful",
          "concept art", "painting", "award winning", "trending", "minimalist", "high quality", "professional photography", "film still", "bokeh"]
LEADS = ["a photo of", "a picture of", "an image of", "a drawing of", "a painting of", "an illustration of", "a render of", "photo of", "a view of", "a postcard of"]
EPITHETS = ["small", "big", "little", "large", "lonely", "solitary", "old", "cute", "beautiful", "single", "lovely", "tiny", "pretty",
            "giant", "happy", "new", "simple", "funny", "huge", "steaming", "nice", "cosy", "majestic"]
VERBS = ["standing", "resting", "waiting", "seen", "shown", "sitting", "placed", "alone"]
COLOUR_SYNONYMS = {"purple": ["purple", "violet"], "red": ["red", "red", "crimson", "scarlet"], "pink": ["pink", "pink", "rose-coloured"],
                   "brown": ["brown", "brown", "chocolate brown"], "black": ["black", "black", "jet black"], "white": ["white", "white", "snow white"],
                   "blue": ["blue", "blue", "azure"], "green": ["green", "green", "emerald green"], "yellow": ["yellow", "yellow", "bright yellow"],
                   "orange": ["orange", "orange", "bright orange"]}


def article(phrase):
    return ("an " if phrase[0] in "aeiou" and not phrase.startswith(("unicorn", "ufo")) else "a ") + phrase


def noun_phrase(rng, thing, colour):
    """An object's words with its colour: "a small red boat", "a boat painted red", "the violet teapot"."""
    names = THINGS[thing].names
    name = names[0] if len(names) == 1 or rng.random() < 0.65 else pick(rng, names[1:])
    plural = name in ("grapes", "books")
    words = []
    if rng.random() < 0.2:
        words.append(pick(rng, EPITHETS))
    tail = ""
    if colour >= 0:
        word = pick(rng, COLOUR_SYNONYMS[COLOUR_NAMES[colour]])
        if rng.random() < 0.1:
            tail = f" in {word}" if rng.random() < 0.5 else f" painted {word}"
        else:
            words.append(word)
    phrase = " ".join([*words, name])
    if plural:
        return phrase + tail
    return (("the " + phrase) if rng.random() < 0.06 else phrase if rng.random() < 0.04 else article(phrase)) + tail


def caption(rng, scene):
    """One sentence for the scene. Time and weather are said more often than not; clear weather and day often stay unsaid."""
    say_time = scene.place not in ("space", "underwater") and (rng.random() < (0.9 if scene.time != "day" else 0.55))
    say_weather = scene.weather != "clear" and rng.random() < 0.95 or scene.weather == "clear" and scene.place in ("sea", "mountains", "meadow", "beach", "sky") and rng.random() < 0.1
    subject = noun_phrase(rng, scene.thing, scene.colour) if scene.thing >= 0 else ""
    if scene.beam and rng.random() < 0.7:
        subject = pick(rng, [f"{subject} beam", f"{subject} with its beam", f"{subject} beam sweeping", f"{subject} shining"])
    if scene.thing2 >= 0:
        other = noun_phrase(rng, scene.thing2, scene.colour2)
        joint = {"beside": ["next to", "beside", "and", "with", "near"], "left": ["to the left of", "left of"],
                 "right": ["to the right of", "right of"], "above": ["above", "over", "flying over", "high above"]}[scene.relation]
        subject = f"{subject} {pick(rng, joint)} {other}"
    place_adjectives = []
    if say_time and rng.random() < 0.15:
        place_adjectives.append(pick(rng, TIME_ADJ[scene.time]))
        say_time = False
    if say_weather and rng.random() < 0.25:
        place_adjectives.append(pick(rng, WEATHER_ADJ[scene.weather]))
        say_weather = False
    place = _place(rng, scene, place_adjectives, alone=not subject)
    time = pick(rng, TIME_WORDS[scene.time]) if say_time else ""
    weather = pick(rng, WEATHER_WORDS[scene.weather]) if say_weather else ""
    return _sentence(rng, subject, place, time, weather)


def _place(rng, scene, adjectives, alone):
    if scene.place == "sea" and (scene.choppy or scene.time == "night") and rng.random() < 0.5:
        words = [*adjectives]
        if scene.choppy:
            words.append(pick(rng, ["choppy", "rough", "stormy"]))
        if scene.time == "night" and rng.random() < 0.5:
            words.append("black")
        sea = " ".join([*words, "sea"])
        return article(sea) if alone else f"{pick(rng, ['by', 'on', 'across', 'over', 'in'])} {article(sea) if rng.random() < 0.6 else sea}"
    phrase = pick(rng, (PLACE_ALONE if alone else PLACE_WORDS)[scene.place])
    for word in adjectives:
        head, _, rest = phrase.partition(" ")
        if alone:
            phrase = f"{article(word)} {rest}" if head in ("a", "an") and rest else f"{word} {phrase.removeprefix('the ')}"
        else:
            parts = phrase.split(" ")
            spot = next((i for i, p in enumerate(parts) if p in ("a", "an", "the")), None)
            if spot is None:
                phrase = f"{phrase} , {word}"
            else:
                parts[spot:spot + 1] = ["the"] if parts[spot] == "the" else article(word).split(" ")[:1]
                parts.insert(spot + 1, word)
                phrase = " ".join(parts)
    return phrase


def _sentence(rng, subject, place, time, weather):
    if subject and rng.random() < 0.15:
        subject = f"{subject} {pick(rng, VERBS)}"
    shape = rng.random()
    tail = [part for part in ((time, weather) if rng.random() < 0.5 else (weather, time)) if part]
    if not subject:
        text = " ".join([place, *tail])
    elif shape < 0.62:
        text = " ".join([subject, place, *tail])
    elif shape < 0.72:
        text = " ".join([subject, *tail, place])
    elif shape < 0.82 and tail:
        text = f"{' '.join(tail)}, {subject} {place}"
    elif shape < 0.92:
        text = ", ".join([subject, place, *tail])
    else:
        text = f"{place}, {' '.join([subject, *tail])}"
    if rng.random() < 0.15:
        text = f"{pick(rng, LEADS)} {text}"
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.28, 0.12]))):
        text = f"{text}, {pick(rng, STYLES)}"
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    return text + ("." if rng.random() < 0.12 else "")
