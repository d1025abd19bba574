"""Measures the starter video pack: is there motion, is it what was asked, does the picture hold still otherwise?

    python evaluate.py --work FOLDER [--sheet PICTURE.png]

For every motion of motions.py, held-out wordings are set on pictures the training never saw. Motion is measured on
decoded frames by optical flow (Farneback) and brightness, not on latents: what moves, where and which way. Flicker is the
part of a pixel's change that goes back in the next frame, beside the same of the training clips.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch

from captions import make_clip
from decoder import CHANNELS, MotionDecoder
from export import GUIDANCE, SCHEDULER, STEPS, load
from motions import ASKED, split
from train import DEVIATION, MEAN, PATCH, pack, predict, tokens_of

FRAMES, GRID = 9, (6, 10)
SHOWN = 65
SIZE = (320, 200)


def generate(nets, tokenizer, captions, seen, seed, steps, guidance):
    """Motion latents by the node's way: Euler steps along the guided flow."""
    count = len(captions)
    ids, mask = tokens_of(tokenizer, [""] * count + captions)
    states = nets["text_encoder"](input_ids=ids).last_hidden_state
    shown = pack(seen[:, :, None].expand(-1, -1, FRAMES, -1, -1)).repeat(2, 1, 1)
    places = FRAMES * GRID[0] * GRID[1] // PATCH**2
    latents = torch.randn(count, places, len(CHANNELS) * PATCH**2, generator=torch.Generator().manual_seed(seed))
    even = np.linspace(1, 1 / steps, steps)
    shift = SCHEDULER["shift"]
    sigmas = np.append(shift * even / (1 + (shift - 1) * even), 0.0)
    for step in range(steps):
        sigma = torch.full((2 * count,), float(sigmas[step]))
        without, with_ = predict(nets, latents.repeat(2, 1, 1), shown, states, mask, sigma, FRAMES, GRID).chunk(2)
        latents = latents + float(sigmas[step + 1] - sigmas[step]) * (without + guidance * (with_ - without))
    rows, columns = GRID[0] // PATCH, GRID[1] // PATCH
    cut = latents.reshape(count, FRAMES, rows, columns, len(CHANNELS), PATCH, PATCH)
    fields = cut.permute(0, 4, 1, 2, 5, 3, 6).reshape(count, len(CHANNELS), FRAMES, *GRID)
    return fields * DEVIATION.view(1, -1, 1, 1, 1) + MEAN.view(1, -1, 1, 1, 1)


def textured(random, image):
    """The picture at the film's size with a fine grain on it: optical flow cannot tell where a plain surface goes."""
    large = cv2.resize(image.astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
    grain = sum(
        cv2.resize(random.standard_normal((SIZE[1] // step + 2, SIZE[0] // step + 2)).astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
        for step in (4, 9)
    )
    return np.clip(large + 0.035 * grain[..., None], 0, 1)


def film_of(decoder, latents, image):
    key = torch.from_numpy(image.transpose(2, 0, 1)[None]).float() * 2 - 1
    film = decoder(latents[None], key, torch.arange(SHOWN).float())[0]
    return ((film.permute(1, 2, 3, 0) + 1) * 127.5).clamp(0, 255).numpy().astype(np.uint8)


def places(scene):
    """Where to look, as masks `[height, width]`: the thing, what is well outside it, above and below the horizon there."""
    width, height = SIZE
    y, x = (np.mgrid[0:height, 0:width] + 0.5) / height
    away = np.hypot(x - scene.centre[0] * width / height, y - scene.centre[1]) / scene.radius
    outside = away > 2.2
    return dict(thing=away < 0.8, rest=outside, sky=outside & (y < scene.horizon - 0.12), ground=outside & (y > scene.horizon + 0.1))


def measures(film, scene):
    """Motion in film widths a second and light in 0..1, of the whole film and of its parts; `light` and `moves` over time."""
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in film])
    step = 4
    flow = np.stack([
        cv2.calcOpticalFlowFarneback(grey[at], grey[at + step], None, 0.5, 4, 17, 3, 5, 1.1, 0) for at in range(0, SHOWN - step, step)
    ]) / SIZE[0] * 24 / step  # fmt: skip
    masks = places(scene)
    # Of a part over time, [steps, 2]; a part that the picture lacks does not move.
    moves = {name: np.median(flow[:, mask], axis=1) if mask.sum() > 200 else np.zeros((len(flow), 2)) for name, mask in masks.items()}
    height, width = grey.shape[1:]
    y, x = (np.mgrid[0:height, 0:width] + 0.5 - np.array([height / 2, width / 2])[:, None, None]) / width
    mean = flow.mean(axis=0)
    nine = np.stack([np.median(part, axis=(0, 1)) for row in np.array_split(mean, 3) for part in np.array_split(row, 3, axis=1)])
    patches = np.stack([cv2.resize(frame, (10, 6), interpolation=cv2.INTER_AREA) for frame in grey]) / 255
    swell = flow[..., 1].std(axis=0)
    lights = patches.reshape(len(patches), -1)
    swings = np.ptp(lights, axis=0)
    liveliest = lights[:, swings.argmax()]
    lively = lights[:, swings > 0.3 * swings.max()]
    return dict(
        moves=moves,
        nine=nine,
        growth=(mean[..., 0] * x + mean[..., 1] * y).mean() / (x**2 + y**2).mean(),
        swell={name: swell[mask].mean() if mask.any() else 0.0 for name, mask in masks.items()},
        **falling(grey),
        light=grey.mean(axis=(1, 2)) / 255,
        swing=swings.max(),
        # Whether what grows bright and dark does so at one time, and how often it turns.
        together=np.median(np.corrcoef(liveliest, lively.T)[0, 1:]) if swings.max() > 0 else 1.0,
        turns=np.abs(np.diff(liveliest[::4])).sum() / max(1e-6, swings.max()),
        own=np.stack([frame[masks["thing"]].mean() for frame in grey]) / 255,
    )


def falling(grey):
    """What is there for a moment only: `specks`, its share of the picture, and `follows`, how well it is found again a
    little lower in the next frame, as flakes are and drops, being quicker, are not."""
    specks, follows = [], []
    for at in range(8, SHOWN - 8, 8):
        around = np.median(grey[at - 7 : at + 8], axis=0)
        now, after = (cv2.GaussianBlur(left, (0, 0), 0.7) - cv2.GaussianBlur(left, (0, 0), 4) for left in (grey[at].astype(np.float32) - around, grey[at + 1] - around))
        specks.append((np.abs(now) > 3).mean())
        lower = [np.corrcoef(now[:-down].ravel(), after[down:].ravel())[0, 1] for down in (2, 3, 4) if now.std() > 0 and after.std() > 0]
        follows.append(max(lower, default=0.0))
    return dict(specks=np.mean(specks), follows=np.mean(follows))


# Flow below this, in film widths a second, is none.
RESTING = 0.008


def asked_for(motion, m):
    """Whether the measures show the motion that was asked for, and in its direction."""
    name, direction = motion
    axis = 0 if direction in ("left", "right") else 1
    forward = -1 if direction in ("left", "up") else 1
    thing, rest = m["moves"]["thing"], m["moves"]["rest"]
    apart = thing - rest
    resting = max(np.abs(rest.mean(axis=0)).max(), np.abs(apart.mean(axis=0)).max(), apart.std(axis=0).max()) < RESTING
    if name == "pan":
        # The picture moves against the camera, all of it.
        along, across = -forward * m["nine"][:, axis], np.abs(np.median(m["nine"][:, 1 - axis]))
        return np.median(along) > RESTING and np.median(along) > 2 * across and np.mean(along > 0.3 * np.median(along)) > 0.8
    if name == "zoom":
        return (m["growth"] if direction == "in" else -m["growth"]) > 0.025
    if name == "waves":
        return m["swell"]["ground"] > 0.004 + 1.5 * m["swell"]["sky"]
    if name == "clouds":
        drift = (m["moves"]["sky"] - m["moves"]["ground"]).mean(axis=0)
        return forward * drift[0] > RESTING and abs(drift[0]) > abs(drift[1])
    if name in ("rain", "snow"):
        return resting and m["specks"] > 0.01 and (m["follows"] > 0.4) == (name == "snow")
    if name == "beam":
        # It grows bright in one place after the other.
        return resting and m["swing"] > 0.15 and m["together"] < 0.6
    if name == "daylight":
        trend = m["light"][-8:].mean() - m["light"][:8].mean()
        return resting and (1 if direction == "rise" else -1) * trend > 0.04 and abs(trend) > 0.8 * np.ptp(m["light"])
    if name == "flicker":
        # The light goes up and down, the thing's more than the picture's.
        return resting and m["swing"] > 0.05 and m["together"] > 0.7 and m["turns"] > 1.6 and np.ptp(m["own"]) > 1.1 * np.ptp(m["light"])
    if name == "bounce":
        return apart[:, 1].std() > 0.02 and apart[:, 1].std() > 2 * apart[:, 0].std() and apart[:, 1].min() < 0 < apart[:, 1].max()
    if name == "sway":
        return apart[:, 0].std() > 0.012 and apart[:, 0].std() > 2 * apart[:, 1].std() and apart[:, 0].min() < 0 < apart[:, 0].max()
    if name == "travel":
        mean, around = apart.mean(axis=0), np.abs(rest.mean(axis=0)).max()
        return forward * mean[axis] > RESTING and abs(mean[axis]) > 1.5 * max(abs(mean[1 - axis]), around)
    # A little nearing is in the training clips of still scenes.
    calm = max(np.abs(rest.mean(axis=0)).max(), np.abs(apart.mean(axis=0)).max()) < 2 * RESTING
    return calm and abs(m["growth"]) < 0.03 and max(m["swell"].values()) < 0.003 and m["specks"] < 0.01 and m["swing"] < 0.12


def passing(motion, measured) -> float:
    """Share of the measured films that show the motion."""
    return float(np.mean([asked_for(motion, m) for m in measured])) if measured else 0.0


def flicker(film):
    """Mean change that is undone one frame later, of 255."""
    values = film.astype(np.float32)
    return float(np.abs(values[2:] - 2 * values[1:-1] + values[:-2]).mean())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--pictures", type=int, default=4, help="pictures for each wording")
    arguments.add_argument("--guidance", type=float, default=GUIDANCE)
    arguments.add_argument("--steps", type=int, default=STEPS)
    arguments.add_argument("--sheet", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    nets, tokenizer, saved = load(given.work)
    decoder = MotionDecoder()
    random = np.random.default_rng(991)
    names = {motion: " ".join(part for part in motion if part) for motion in ASKED}
    made, real, rows = {}, {}, []
    made_flicker, real_flicker = [], []
    with torch.no_grad():
        for number, motion in enumerate(ASKED):
            clips = [make_clip(random, FRAMES, GRID, motions=[motion]) for _ in range(given.pictures)]
            _, wording = split(ASKED[motion])
            captions = [f"{random.choice(['a lighthouse', 'a red boat', 'a house'])}, {words}" for words in wording for _ in clips]
            seen = torch.stack([torch.from_numpy(clip["seen"]) for _ in wording for clip in clips])
            latents = generate(nets, tokenizer, captions, seen, seed=number, guidance=given.guidance, steps=given.steps)
            images = [textured(random, clip["image"]) for clip in clips]
            films = [film_of(decoder, latent, images[at % len(clips)]) for at, latent in enumerate(latents)]
            trained = [film_of(decoder, torch.from_numpy(clip["latents"]), image) for clip, image in zip(clips, images)]
            made[motion] = [measures(film, clips[at % len(clips)]["scene"]) for at, film in enumerate(films)]
            real[motion] = [measures(film, clip["scene"]) for film, clip in zip(trained, clips)]
            made_flicker += [flicker(film) for film in films]
            real_flicker += [flicker(film) for film in trained]
            rows.append(np.hstack(list(films[0][::16])))
            others = [m for other in real if other != motion for m in real[other]]
            print(
                f"{names[motion]:15} generated {passing(motion, made[motion]):.2f}"
                f"  training clips {passing(motion, real[motion]):.2f}  clips of others so far {passing(motion, others):.2f}",
                flush=True,
            )
    strangers = {
        motion: passing(motion, [m for other in real if other != motion for m in real[other]]) for motion in ASKED
    }
    report = dict(
        step=saved["step"],
        parameters=sum(p.numel() for name in ("text_encoder", "transformer") for p in nets[name].parameters()),
        films=sum(map(len, made.values())),
        motion_as_asked=round(float(np.mean([passing(motion, made[motion]) for motion in ASKED])), 3),
        training_clips_pass=round(float(np.mean([passing(motion, real[motion]) for motion in ASKED])), 3),
        # What a pack that ignores its prompts would get: clips of every other motion, held to this one's thresholds.
        shuffled_captions_pass=round(float(np.mean(list(strangers.values()))), 3),
        flicker=round(float(np.mean(made_flicker)), 3),
        flicker_of_training_clips=round(float(np.mean(real_flicker)), 3),
        by_motion={names[motion]: round(passing(motion, made[motion]), 2) for motion in ASKED},
        shuffled_by_motion={names[motion]: round(value, 2) for motion, value in strangers.items()},
    )
    print(json.dumps(report, indent=1))
    if given.sheet is not None:
        cv2.imwrite(str(given.sheet), np.vstack(rows)[:, :, ::-1])


if __name__ == "__main__":
    main()
