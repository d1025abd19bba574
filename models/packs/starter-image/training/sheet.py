"""The contact sheet of the docs: 24 prompts held out of training, drawn through the exported graphs. `sheet.py OUT.webp [SEED]`."""
import sys
import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline import Pack

# The first three are the API document's own prompts, whose scenes training has seen in other words. The other 21 ask for
# combinations of object, colour, place, time and weather on the held-out side of `is_held_out`.
PROMPTS = [
    ("A solitary lighthouse beam sweeping across choppy black sea, cinematic", 512, 512),
    ("A coffee cup on a wooden table, photorealistic", 512, 512),
    ("A neon-lit alley in Tokyo at dusk, photorealistic", 512, 512),
    ("a lighthouse by the sea in the fog, by day", 512, 512),
    ("a yellow lighthouse in a forest at dusk", 512, 512),
    ("a white coffee cup in the city, in bright sunlight", 512, 512),
    ("a brown castle in the mountains at night", 512, 512),
    ("a yellow castle on the beach at dusk, in the snow", 512, 512),
    ("a purple sailboat on a lake on a bright day", 640, 384),
    ("a green sailboat on the sea at night, in the rain", 640, 384),
    ("a green dragon in a snowy field by day", 512, 512),
    ("a cat in the mountains at night", 512, 512),
    ("a taxi in the desert at sunset", 640, 384),
    ("a rocket high in the sky at night", 512, 512),
    ("a white windmill in the desert by day", 384, 640),
    ("a purple horse by a lake at night", 512, 512),
    ("a giraffe in front of mountains at dusk", 384, 640),
    ("a teddy bear in a snowy field at dusk, in the fog", 512, 512),
    ("an owl in a meadow on a rainy day", 512, 512),
    ("a white robot in the city on a rainy night", 512, 512),
    ("a red dog in the city in the evening", 512, 512),
    ("a black apple on a table at dusk", 512, 512),
    ("an orange parrot on the beach by day", 512, 512),
    ("a red tree by a lake at night", 384, 640),
]
CELL, TEXT = 208, 34


def main(out, seed):
    pack = Pack()
    sheet = Image.new("RGB", (6 * CELL, 4 * (CELL + TEXT)), "white")
    brush, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for i, (prompt, w, h) in enumerate(PROMPTS):
        picture = pack.draw([prompt], [seed + i], w, h)[0]
        large = Image.fromarray((pack.enlarge(picture) * 255).round().astype(np.uint8))
        large.thumbnail((CELL - 6, CELL - 6), Image.LANCZOS)
        x, y = i % 6 * CELL, i // 6 * (CELL + TEXT)
        sheet.paste(large, (x + (CELL - large.width) // 2, y + 3 + (CELL - 6 - large.height) // 2))
        for k, line in enumerate(textwrap.wrap(prompt, 36)[:2]):
            brush.text((x + 5, y + CELL - 1 + 14 * k), line, fill="black", font=font)
    sheet.save(out, quality=82, method=6)
    print(out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7)
