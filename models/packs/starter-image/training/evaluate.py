"""Draws prompts held out of training through the exported pack and lets the judge look: `evaluate.py [PER_OBJECT]`.

Writes evaluation.json beside this file and the table into MODEL_CARD.md."""
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from captions import TIME_ADJ, TIME_WORDS, caption
from judge import ask, load_judge
from objects import COLOUR_NAMES, THINGS
from pipeline import PACK, Pack
from render import render
from scenes import PLACES, TIMES, WEATHERS, draw_scene, rng_of

HERE = Path(__file__).resolve().parent
NAMES = 100  # object names asked for: every second row of the table, then the rest in order
BATCH = 4


def asked_objects():
    """The hundred objects of the evaluation, spread evenly over the table."""
    return sorted({int(i) for i in np.linspace(0, len(THINGS) - 1, NAMES)})


def held_out_scene(rng, thing):
    """A combination never rendered for training, of one object."""
    while True:
        scene = draw_scene(rng, held_out=True)
        if scene.thing == thing and scene.thing2 < 0:
            return scene


def says(text, words):
    return any(f" {word} " in f" {text.lower().replace(',', ' ').replace('.', ' ')} " for word in words)


def prompts(per_object):
    """`[(scene, caption)]`: for each object `per_object` held-out scenes in words of their own."""
    asked = []
    for thing in asked_objects():
        rng = rng_of(4242, thing)
        for _ in range(per_object):
            scene = held_out_scene(rng, thing)
            asked.append((scene, caption(rng, scene)))
    return asked


def score(judge, scenes, texts, pictures):
    """Shares of pictures in which the judge sees what was asked for, by kind of word."""
    hits = defaultdict(list)
    for start in range(0, len(pictures), 32):
        part = slice(start, start + 32)
        out = {k: v.numpy() for k, v in ask(judge, pictures[part]).items()}
        for i, (scene, text) in enumerate(zip(scenes[part], texts[part])):
            thing = out["thing"][i]
            hits["object"].append(int(thing.argmax() == scene.thing))
            hits["object in top 3"].append(int(scene.thing in np.argsort(-thing)[:3]))
            if scene.colour >= 0:
                hits["colour"].append(int(out["colour"][i][:len(COLOUR_NAMES)].argmax() == scene.colour))
                hits[f"colour {COLOUR_NAMES[scene.colour]}"].append(hits["colour"][-1])
            if scene.place not in ("space", "underwater"):
                # Day or night: where the words decide it, dusk is left out of both sides.
                if scene.time in ("day", "night") and told(scene, text):
                    day, night = out["time"][i][TIMES.index("day")], out["time"][i][TIMES.index("night")]
                    hits["day or night"].append(int((night > day) == (scene.time == "night")))
                    hits[f"{scene.time} words"].append(hits["day or night"][-1])
                if told(scene, text):
                    hits["time of three"].append(int(out["time"][i].argmax() == TIMES.index(scene.time)))
            hits["place"].append(int(out["place"][i].argmax() == PLACES.index(scene.place)))
            if scene.weather != "clear":
                hits["weather"].append(int(out["weather"][i].argmax() == WEATHERS.index(scene.weather)))
    return {k: {"share": round(float(np.mean(v)), 4), "of": len(v)} for k, v in sorted(hits.items())}, hits["object"]


def told(scene, text):
    """Whether the caption has words for the time of day."""
    return says(text, TIME_WORDS[scene.time] + TIME_ADJ[scene.time])


def main(per_object):
    pack, judge = Pack(), load_judge()
    manifest = json.loads((PACK / "manifest.json").read_text())
    defaults, (width, height) = manifest["defaults"], manifest["nativeSizes"][0]
    asked = prompts(per_object)
    scenes, texts = [a[0] for a in asked], [a[1] for a in asked]
    real = [render(rng_of(99, i), s, width, height)[0] for i, s in enumerate(scenes)]
    real_scores, _ = score(judge, scenes, texts, real)
    start, pictures = time.time(), []
    for i in range(0, len(texts), BATCH):
        part = texts[i:i + BATCH]
        drawn = pack.draw(part, [1000 + i + k for k in range(len(part))], width, height, defaults["steps"], defaults["guidanceScale"])
        pictures += list((drawn * 255).round().astype(np.uint8))
        if i % 100 == 0:
            print(i, f"{time.time() - start:.0f}s", flush=True)
    scores, named = score(judge, scenes, texts, pictures)
    missed = defaultdict(int)
    for scene, hit in zip(scenes, named):
        missed[THINGS[scene.thing].name] += 1 - hit
    result = {"prompts": len(texts), "objects": NAMES, "width": width, "height": height, "steps": defaults["steps"], "guidanceScale": defaults["guidanceScale"],
              "generated": scores, "judge_on_real_renderings_of_the_same_prompts": real_scores,
              "often_missed": [k for k, v in sorted(missed.items(), key=lambda kv: -kv[1]) if v * 2 > per_object]}
    (HERE / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    table = ["| the judge sees what was asked | generated | real renderings of the same prompts | pictures |", "|---|---|---|---|"]
    for name in [*[k for k in scores if not k.startswith("colour ")], *[k for k in scores if k.startswith("colour ")]]:
        table.append(f"| {name} | {scores[name]['share']:.1%} | {real_scores[name]['share']:.1%} | {scores[name]['of']} |")
    card = PACK / "MODEL_CARD.md"
    if card.exists():
        head, _, rest = card.read_text().partition("<!-- evaluation -->")
        _, _, tail = rest.partition("<!-- /evaluation -->")
        card.write_text(f"{head}<!-- evaluation -->\n" + "\n".join(table) + f"\n<!-- /evaluation -->{tail}")
    print("\n".join(table), "\nmissed:", result["often_missed"])
    np.save("/tmp/eval_pictures.npy", np.stack(pictures)) if "--keep" in sys.argv else None


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
