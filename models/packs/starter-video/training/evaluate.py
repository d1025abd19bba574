"""Measures the starter video pack: is there motion, is it what was asked, does the picture hold still otherwise?

    python evaluate.py --work FOLDER [--sheet PICTURE.png]

For every motion of motions.py, held-out wordings are set on pictures the training never saw. Motion is measured on
decoded frames by optical flow (Farneback) and brightness, not on latents. Flicker is the part of a pixel's change that
goes back in the next frame, beside the same of the training clips.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch

from captions import make_clip
from decoder import CHANNELS, MotionDecoder
from export import load
from motions import ASKED, HELD_OUT
from train import DEVIATION, MEAN, PATCH, pack, predict, tokens_of

FRAMES, GRID = 9, (6, 10)
SHOWN = 65
SIZE = (320, 200)


def generate(nets, tokenizer, captions, seen, seed, steps=20, guidance=3.0, shift=2.0):
    """Motion latents by the node's way: Euler steps along the guided flow."""
    count = len(captions)
    ids, mask = tokens_of(tokenizer, [""] * count + captions)
    states = nets["text_encoder"](input_ids=ids).last_hidden_state
    shown = pack(seen[:, :, None].expand(-1, -1, FRAMES, -1, -1)).repeat(2, 1, 1)
    places = FRAMES * GRID[0] * GRID[1] // PATCH**2
    latents = torch.randn(count, places, len(CHANNELS) * PATCH**2, generator=torch.Generator().manual_seed(seed))
    even = np.linspace(1, 1 / steps, steps)
    sigmas = np.append(shift * even / (1 + (shift - 1) * even), 0.0)
    for step in range(steps):
        sigma = torch.full((2 * count,), float(sigmas[step]))
        without, with_ = predict(nets, latents.repeat(2, 1, 1), shown, states, mask, sigma, FRAMES, GRID).chunk(2)
        latents = latents + float(sigmas[step + 1] - sigmas[step]) * (without + guidance * (with_ - without))
    rows, columns = GRID[0] // PATCH, GRID[1] // PATCH
    cut = latents.reshape(count, FRAMES, rows, columns, len(CHANNELS), PATCH, PATCH)
    fields = cut.permute(0, 4, 1, 2, 5, 3, 6).reshape(count, len(CHANNELS), FRAMES, *GRID)
    return fields * DEVIATION.view(1, -1, 1, 1, 1) + MEAN.view(1, -1, 1, 1, 1)


def film_of(decoder, latents, image):
    large = cv2.resize(image.astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
    key = torch.from_numpy(large.transpose(2, 0, 1)[None]).float() * 2 - 1
    film = decoder(latents[None], key, torch.arange(SHOWN).float())[0]
    return ((film.permute(1, 2, 3, 0) + 1) * 127.5).clamp(0, 255).numpy().astype(np.uint8)


def measures(film):
    """Flow in pixels of a frame's width a second, by place; light over time; what falls."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in film]
    flows = [
        cv2.calcOpticalFlowFarneback(grey[at], grey[at + 4], None, 0.5, 3, 21, 3, 5, 1.1, 0) / SIZE[0] * 6
        for at in range(0, SHOWN - 4, 4)
    ]
    flow = np.stack(flows)
    height = flow.shape[1]
    mean = flow.mean(axis=0)
    y, x = np.mgrid[0:height, 0 : flow.shape[2]]
    radial = ((x / SIZE[0] - 0.5) * mean[..., 0] + (y / SIZE[0] - 0.31) * mean[..., 1]).mean()
    strong = np.quantile(np.abs(flow).max(axis=3), 0.97)
    light = np.stack(grey).mean(axis=(1, 2)) / 255
    patches = np.stack([cv2.resize(frame, (10, 6), interpolation=cv2.INTER_AREA) for frame in grey]) / 255
    sharp = np.stack([cv2.Laplacian(frame, cv2.CV_32F).std() for frame in grey]).mean()
    changed = np.abs(np.diff(np.stack(grey).astype(np.float32), axis=0))
    return dict(
        whole=mean.mean(axis=(0, 1)),
        upper=mean[: height // 3].mean(axis=(0, 1)),
        lower_swing=flow[:, height * 2 // 3 :].mean(axis=2).std(),
        swing_x=flow[..., 0].std(axis=0).max(),
        swing_y=flow[..., 1].std(axis=0).max(),
        best=mean.reshape(-1, 2)[np.abs(mean).reshape(-1, 2).sum(axis=1).argmax()],
        extreme=dict(left=mean[..., 0].min(), right=mean[..., 0].max(), up=mean[..., 1].min(), down=mean[..., 1].max()),
        radial=radial,
        strong=strong,
        light_trend=light[-8:].mean() - light[:8].mean(),
        light_swing=(patches.max(axis=0) - patches.min(axis=0)).max(),
        specks=(changed > 12).mean(),
        sharp=sharp,
    )


def asked_for(motion, m):
    """Whether the measures show the motion that was asked for."""
    name, direction = motion
    if name == "pan":
        axis, sign = {"left": (0, 1), "right": (0, -1), "up": (1, 1), "down": (1, -1)}[direction]
        return sign * m["whole"][axis] > 0.006 and abs(m["whole"][axis]) > abs(m["whole"][1 - axis])
    if name == "zoom":
        return (m["radial"] if direction == "in" else -m["radial"]) > 0.0006
    if name == "waves":
        return m["lower_swing"] > 0.002
    if name == "clouds":
        return (-1 if direction == "left" else 1) * m["upper"][0] > 0.003
    if name in ("rain", "snow"):
        return m["specks"] > 0.004
    if name == "beam":
        return m["light_swing"] > 0.18
    if name == "daylight":
        return (1 if direction == "rise" else -1) * m["light_trend"] > 0.04
    if name == "flicker":
        return m["light_swing"] > 0.05
    if name == "bounce":
        return m["swing_y"] > 0.02
    if name == "travel":
        axis, sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}[direction]
        return sign * m["extreme"][direction] > 0.01 and abs(m["best"][axis]) >= abs(m["best"][1 - axis])
    if name == "sway":
        return m["swing_x"] > 0.01
    return m["strong"] < 0.08


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
            wording = ASKED[motion][-HELD_OUT:]
            captions = [f"{random.choice(['a lighthouse', 'a red boat', 'a house'])}, {words}" for words in wording for _ in clips]
            seen = torch.stack([torch.from_numpy(clip["seen"]) for _ in wording for clip in clips])
            latents = generate(nets, tokenizer, captions, seen, seed=number)
            images = [clip["image"] for _ in wording for clip in clips]
            films = [film_of(decoder, latent, image) for latent, image in zip(latents, images)]
            trained = [film_of(decoder, torch.from_numpy(clip["latents"]), clip["image"]) for clip in clips]
            made[motion] = [measures(film) for film in films]
            real[motion] = [measures(film) for film in trained]
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
        films=given.pictures * len(ASKED) * HELD_OUT,
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
