"""What people call the twelve sounds. The last phrases of each class are held out for measuring."""

PHRASES = {
    "waves": ["waves", "ocean waves", "sea waves on a beach", "surf", "waves crashing on rocks", "the sea", "breaking waves", "water washing ashore", "choppy sea", "ocean surf rolling in", "waves lapping the shore"],
    "wind": ["wind", "howling wind", "a breeze", "gusts of wind", "wind in the trees", "a windy plain", "storm wind", "wind blowing", "whistling wind", "wind over the hills", "a gust blowing"],
    "rain": ["rain", "rainfall", "rain on a roof", "a rain shower", "raindrops", "pouring rain", "drizzle", "rain on leaves", "a downpour", "rain falling", "rain on a window"],
    "thunder": ["thunder", "rolling thunder", "a thunderclap", "distant thunder", "thunder and lightning", "a thunderstorm", "a crack of thunder", "rumbling thunder", "thunder rumbles", "a peal of thunder", "thunder rolling"],
    "fire": ["fire", "crackling fire", "a campfire", "burning wood", "a fireplace", "flames", "a bonfire", "fire burning", "a log fire", "crackling flames", "a burning campfire"],
    "birds": ["birds", "birdsong", "birds singing", "chirping birds", "a songbird", "birds in a forest", "tweeting", "bird calls", "sparrows chirping", "birds chirping", "a bird singing"],
    "crickets": ["crickets", "crickets chirping at night", "night insects", "cicadas", "insects in the grass", "chirping crickets", "a cricket", "summer night insects", "crickets at night", "insects at night", "a field of crickets"],
    "bells": ["bells", "a church bell", "a bell ringing", "chimes", "bell tower", "a ringing bell", "a temple bell", "tolling bells", "a bell tolls", "church bells", "bells ringing"],
    "traffic": ["traffic", "city traffic", "cars passing", "a busy street", "road noise", "car engines", "highway traffic", "a city street", "cars on a road", "traffic hum", "street traffic"],
    "footsteps": ["footsteps", "someone walking", "steps on stone", "footsteps on gravel", "a person walking", "running steps", "footfalls", "walking on wood", "steps", "footsteps walking", "someone running"],
    "chords": ["chords", "soft music", "piano chords", "gentle music", "a melody of chords", "music", "simple chords", "calm music", "slow chords", "a piano playing", "music playing"],
    "room": ["room tone", "a quiet room", "silence", "room ambience", "quiet", "a silent room", "an empty room", "background hum", "quiet ambience", "still air in a room", "an empty quiet room"],
}
HELD_OUT = 2
WEAK = ["soft", "gentle", "distant", "light", "slow", "calm", "quiet"]
STRONG = ["strong", "loud", "heavy", "fast", "violent", "intense", "near"]
FRAMES_OF_SPEECH = ["{}", "the sound of {}", "{} in the background", "a recording of {}", "{}, close up"]
# What stands around the name of a sound in a prompt means nothing; the text encoder learns to look past it.
FILLERS = ["listen to", "we hear", "audio of", "sounds like", "a scene with", "ambient", "recorded", "an old", "the", "some", "there is", "sound effect", "at home", "outside", "in stereo", "all around"]
HELD_OUT_FRAMES = ["you can hear {}", "ambience: {}"]


def training_caption(random, label: str, strength: float) -> str:
    phrase = str(random.choice(PHRASES[label][:-HELD_OUT]))
    if strength < 0.33 and random.uniform() < 0.6:
        phrase = f"{random.choice(WEAK)} {phrase}"
    if strength > 0.67 and random.uniform() < 0.6:
        phrase = f"{random.choice(STRONG)} {phrase}"
    caption = str(random.choice(FRAMES_OF_SPEECH, p=[0.6, 0.1, 0.1, 0.1, 0.1])).format(phrase)
    if random.uniform() < 0.3:
        caption = f"{random.choice(FILLERS)} {caption}"
    if random.uniform() < 0.15:
        caption = f"{caption} {random.choice(FILLERS)}"
    return caption


def held_out_captions(label: str) -> list[str]:
    """Prompts with phrases, frames and combinations that training never sees."""
    return [frame.format(f"{adjective}{phrase}") for phrase in PHRASES[label][-HELD_OUT:] for frame in HELD_OUT_FRAMES for adjective in ("", "soft ", "loud ")]
