"""Measures the starter audio pack: is the right class of sound heard for prompts that training never saw?

    python evaluate.py --work FOLDER [--spectrograms PICTURE.png]

A small classifier is trained on real clips (the makers of sounds.py, rendered to waveforms), tested on real clips
that it has not seen, and then asked about the pack's output for the held-out prompts of captions.py.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from scipy.signal import stft

from captions import held_out_captions
from codec import LATENT_CHANNELS, LATENTS, RATE
from export import SCHEDULER, load
from sounds import CLASSES, MAKERS
from train import HEAD, SECONDS, conditioning, tokens_of


def features(wave: np.ndarray) -> np.ndarray:
    """How loud each of 32 bands is, how much it varies, how tonal it is and how fast it pulses."""
    _, _, spectrum = stft(wave.mean(axis=0), RATE, nperseg=1024, noverlap=768)
    power = np.abs(spectrum) ** 2 + 1e-9
    edges = np.unique(np.geomspace(2, 512, 33).astype(int))
    level = 10 * np.log10(np.stack([power[a:b].mean(axis=0) for a, b in zip(edges[:-1], edges[1:])]))
    level -= np.quantile(level, 0.95)
    level = np.maximum(level, -70)
    peak = np.stack([10 * np.log10(power[a:b].max(axis=0) / power[a:b].mean(axis=0)) for a, b in zip(edges[:-1], edges[1:]) if b - a > 3])
    total = level.max(axis=0) - level.max(axis=0).mean()
    pulse = np.abs(np.fft.rfft(total * np.hanning(total.size)))[2:120]
    pulse = np.stack([chunk.mean() for chunk in np.array_split(pulse, 12)]) / (pulse.sum() + 1e-6) * 100
    return np.concatenate([level.mean(axis=1), level.std(axis=1), np.quantile(level, 0.98, axis=1), peak.mean(axis=1), pulse, [total.std()]])


def sampler(nets, decoder, tokenizer, captions, seed, steps=20, guidance=3.0):
    """Waveforms for captions by the same solver as the node's (second-order SDE multistep on the cosine schedule)."""
    from diffusers import CosineDPMSolverMultistepScheduler
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    scheduler = CosineDPMSolverMultistepScheduler(**{k: v for k, v in SCHEDULER.items() if k != "_class_name"})
    generator = torch.Generator().manual_seed(seed)
    ids, mask = tokens_of(tokenizer, captions)
    count = len(captions)
    cross, globals_ = conditioning(nets, ids, mask, torch.full((count,), SECONDS))
    cross = torch.cat([torch.zeros_like(cross), cross])
    globals_ = torch.cat([globals_, globals_])
    rotary = get_1d_rotary_pos_embed(HEAD // 2, LATENTS + 1, use_real=True, repeat_interleave_real=False)
    scheduler.set_timesteps(steps)
    shape = (count, LATENT_CHANNELS, LATENTS)
    scheduler.noise_sampler = lambda *_: torch.randn(shape, generator=generator)
    latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        scaled = scheduler.scale_model_input(torch.cat([latents] * 2), time)
        out = nets["transformer"](scaled, time.unsqueeze(0), encoder_hidden_states=cross, global_hidden_states=globals_, rotary_embedding=rotary, return_dict=False)[0]  # fmt: skip
        without, with_ = out.chunk(2)
        latents = scheduler.step(without + guidance * (with_ - without), time, latents).prev_sample
    return [decoder(latent[None])[0].numpy() for latent in latents]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--real", type=int, default=60, help="real clips of each class to learn from")
    arguments.add_argument("--spectrograms", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    nets, tokenizer, decoder, saved = load(given.work)
    random = np.random.default_rng(77)

    def real(count):
        found, labels = [], []
        for number in range(count):
            for index, label in enumerate(CLASSES):
                levels = torch.from_numpy(MAKERS[label](random, random.uniform()))[None]
                found.append(features(decoder.render(levels, torch.tensor(random.integers(0, 90_000)))[0].numpy()))
                labels.append(index)
        return np.array(found), np.array(labels)

    with torch.no_grad():
        known, labels = real(given.real)
        unseen, unseen_labels = real(15)
    mean, deviation = known.mean(axis=0), known.std(axis=0) + 1e-3
    ready = lambda x: torch.from_numpy((x - mean) / deviation).float()  # noqa: E731
    torch.manual_seed(3)
    classifier = torch.nn.Sequential(torch.nn.Linear(known.shape[1], 64), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(64, len(CLASSES)))
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=3e-3, weight_decay=0.05)
    for _ in range(300):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(classifier(ready(known)), torch.from_numpy(labels)).backward()
        optimiser.step()
    classifier.eval()

    report = dict(step=saved["step"], parameters=sum(p.numel() for p in nets.parameters()))
    with torch.no_grad():
        report["classifier_on_real"] = float((classifier(ready(unseen)).argmax(1).numpy() == unseen_labels).mean())
        right, waves = {}, {}
        for index, label in enumerate(CLASSES):
            made = sampler(nets, decoder, tokenizer, held_out_captions(label), seed=index)
            answers = classifier(ready(np.array([features(wave) for wave in made]))).argmax(1).numpy()
            right[label] = round(float((answers == index).mean()), 2)
            waves[label] = made
            print(label, right[label], [CLASSES[a] for a in answers if a != index], flush=True)
    report["prompts"] = sum(len(held_out_captions(label)) for label in CLASSES)
    report["right_class"] = round(float(np.mean(list(right.values()))), 3)
    report["by_class"] = right
    print(json.dumps(report, indent=1))
    if given.spectrograms is not None:
        import cv2

        tiles = []
        for label in CLASSES:
            _, _, spectrum = stft(waves[label][0][0], RATE, nperseg=1024, noverlap=768)
            level = np.clip((20 * np.log10(np.abs(spectrum) + 1e-6) + 110) / 80, 0, 1)[::-1]
            tile = cv2.applyColorMap(cv2.resize((level * 255).astype(np.uint8), (420, 240), interpolation=cv2.INTER_AREA), cv2.COLORMAP_INFERNO)
            cv2.putText(tile, held_out_captions(label)[0], (8, 20), 0, 0.6, (255, 255, 255), 1)
            tiles.append(tile)
        cv2.imwrite(str(given.spectrograms), np.vstack([np.hstack(tiles[row : row + 4]) for row in range(0, 12, 4)]))


if __name__ == "__main__":
    main()
