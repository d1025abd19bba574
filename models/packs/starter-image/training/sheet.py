"""The contact sheet of the docs: 24 prompts held out of training, drawn through the exported graphs. `sheet.py OUT.webp [SEED]`."""
import sys
import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline import Pack

# No caption of the training set says these: the grammar cannot, or their combination is on the held-out side.
PROMPTS = [
    ("A solitary lighthouse beam sweeping across choppy black sea, cinematic", 256, 256),
    ("A coffee cup on a wooden table, photorealistic", 256, 256),
    ("A neon-lit alley in Tokyo at dusk, photorealistic", 256, 256),
    ("My grandmother's old blue bicycle, left on the beach in the early morning", 256, 256),
    ("An orange tent below snowy peaks while the stars come out at night", 256, 256),
    ("a tall castle in thick fog, seen from the lake", 256, 256),
    ("a red sailboat on the open sea at golden hour", 320, 192),
    ("a lonely wolf in a snowy field at night, snow falling", 320, 192),
    ("city skyline at sunset after the rain", 320, 192),
    ("a green dragon in front of mountains by day", 256, 256),
    ("a purple balloon above the clouds", 256, 256),
    ("a cat next to a red ball in a living room", 256, 256),
    ("a yellow taxi on a rainy city street at night", 256, 256),
    ("a rocket in outer space, digital art", 256, 256),
    ("a shark in the deep sea", 256, 256),
    ("a pink flamingo by a lake at sunset", 192, 320),
    ("a white windmill in a field of flowers", 192, 320),
    ("a black horse in the desert at dusk", 256, 256),
    ("a giraffe in the desert at midday", 192, 320),
    ("a birthday cake on a kitchen table in the evening", 256, 256),
    ("a bird flying over a house in the countryside", 256, 256),
    ("a brown teddy bear in the snow", 256, 256),
    ("an owl in the woods by moonlight", 256, 256),
    ("a small robot in an alley with neon signs, film still", 256, 256),
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
