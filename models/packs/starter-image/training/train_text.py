"""Teaches the text encoder to read captions: `train_text.py MINUTES`. The result, WORK/text.pt, is frozen for the denoiser."""
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

from captions import caption
from layers import save
from objects import COLOUR_NAMES, THINGS, THREADS, WORK
from scenes import PLACES, RELATIONS, TIMES, WEATHERS, draw_scene, pick, rng_of
from text import Heads, Reader, TextEncoder
from tokens import FAULTS, LENGTH, encode, load

FILE = WORK / "text.pt"
BATCH = 64


def labels(scenes):
    """Class numbers of a batch of scenes; `None` stands for the empty prompt."""
    none_thing, none_colour = len(THINGS), len(COLOUR_NAMES)
    table = {"thing": [], "thing2": [], "colour": [], "colour2": [], "place": [], "time": [], "weather": [], "relation": [], "extra": [], "count": []}
    for s in scenes:
        table["thing"].append(s.thing if s and s.thing >= 0 else none_thing)
        table["thing2"].append(s.thing2 if s and s.thing2 >= 0 else none_thing)
        table["colour"].append(s.colour if s and s.colour >= 0 else none_colour)
        table["colour2"].append(s.colour2 if s and s.colour2 >= 0 else none_colour)
        table["place"].append(PLACES.index(s.place) if s else -100)
        table["time"].append(TIMES.index(s.time) if s else -100)
        table["weather"].append(WEATHERS.index(s.weather) if s else -100)
        table["relation"].append(RELATIONS.index(s.relation) + 1 if s and s.relation else 0)
        table["extra"].append([float(s.choppy), float(s.beam)] if s else [0.0, 0.0])
        table["count"].append(0 if not s or s.thing < 0 else 1 if s.thing2 < 0 else 2)
    return {k: torch.tensor(v) for k, v in table.items()}


def batch_of(step, held_out=False):
    rng = rng_of(31, step, int(held_out))
    scenes = [draw_scene(rng, held_out=held_out) for _ in range(BATCH)]
    texts = [caption(rng, s) for s in scenes]
    if not held_out:
        texts = [strange(rng, text) if rng.random() < 0.15 else text for text in texts]
        for i in np.where(rng.random(BATCH) < 0.05)[0]:
            scenes[i], texts[i] = None, nothing(rng)
    return scenes, texts


def made_up(rng):
    """A word the captions never use, so that unknown words come to mean nothing in particular."""
    return "".join(chr(97 + int(c)) for c in rng.integers(0, 26, size=int(rng.integers(3, 10))))


def strange(rng, text):
    words = text.split(" ")
    for _ in range(int(rng.integers(1, 5))):
        words.insert(int(rng.integers(len(words) + 1)), made_up(rng))
    return " ".join(words)


def nothing(rng):
    """Texts that name nothing to draw: the empty prompt, and what people put into negative prompts."""
    if rng.random() < 0.4:
        return ""
    if rng.random() < 0.3:
        return " ".join(made_up(rng) for _ in range(int(rng.integers(1, 6))))
    return ", ".join(pick(rng, FAULTS) for _ in range(int(rng.integers(1, 6))))


def main(minutes):
    torch.set_num_threads(THREADS)
    tokenizer = load()
    encoder, reader, heads = TextEncoder(len(tokenizer), LENGTH), Reader(), Heads()
    weights = [p for net in (encoder, reader, heads) for p in net.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    start, step = time.time(), 0

    def run(scenes, texts):
        states, _ = encoder(encode(tokenizer, texts))
        things, colours, setting = reader(states)
        want, said = labels(scenes), heads(setting)
        loss = F.cross_entropy(things[:, 0], want["thing"]) + F.cross_entropy(things[:, 1], want["thing2"]) \
            + F.cross_entropy(colours[:, 0], want["colour"]) + F.cross_entropy(colours[:, 1], want["colour2"]) \
            + sum(F.cross_entropy(said[k], want[k]) for k in ("place", "time", "weather", "relation", "count")) \
            + F.binary_cross_entropy_with_logits(said["extra"], want["extra"])
        guess = {"thing": things[:, 0], "thing2": things[:, 1], "colour": colours[:, 0], "colour2": colours[:, 1], **said}
        right = {k: (guess[k].argmax(1) == want[k]).float().mean().item() for k in want if k != "extra"}
        return loss, right

    while (spent := time.time() - start) < minutes * 60:
        share = spent / (minutes * 60)
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (1 - share) + 1e-5
        loss, _ = run(*batch_of(step))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        step += 1
        if step % 100 == 0:
            with torch.no_grad():
                held, right = run(*batch_of(step, held_out=True))
            print(f"step {step} {spent:.0f}s loss {loss.item():.3f} held out {held.item():.3f}", {k: round(v, 3) for k, v in right.items()}, flush=True)
    save(FILE, encoder=encoder.state_dict(), reader=reader.state_dict(), step=step, seconds=time.time() - start)


if __name__ == "__main__":
    main(float(sys.argv[1]))
