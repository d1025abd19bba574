"""Measures the starter audio pack as it ships: is the right class of sound heard for prompts training never saw?

    python evaluate.py --pack .. [--steps N] [--guidance X] [--spectrograms PICTURE.png]

A small classifier is trained on real clips (the makers of sounds.py, rendered to waveforms), tested on real clips
that it has not seen, and then asked about the pack's output for the held-out prompts of captions.py. The pack's
ONNX graphs are run, with its own scheduler and defaults.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from diffusers import CosineDPMSolverMultistepScheduler
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from scipy.signal import stft
from tokenizers import Tokenizer

from captions import held_out_captions
from codec import FEATURES, FRAMES_PER_LATENT, LATENT_CHANNELS, LATENTS, RATE, SpectralDecoder
from sounds import CLASSES, MAKERS
from train import HEAD, SECONDS, tokens_of


class Pack:
    """The pack's graphs in ONNX Runtime, on one thread."""

    def __init__(self, folder: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        parts = ("text_encoder", "projection_model", "transformer", "vae_decoder")
        self.graphs = {
            part: onnxruntime.InferenceSession(folder / part / "model.onnx", options, providers=["CPUExecutionProvider"])
            for part in parts
        }
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer/tokenizer.json"))
        self.scheduler = json.loads((folder / "scheduler/scheduler_config.json").read_text())
        self.defaults = json.loads((folder / "manifest.json").read_text())["defaults"]

    def run(self, part: str, **inputs) -> list[np.ndarray]:
        return self.graphs[part].run(None, inputs)

    def conditioning(self, captions: list[str]):
        """Cross-attention and global states, without text first, as the node's pipeline makes them."""
        ids, mask = (tensor.numpy() for tensor in tokens_of(self.tokenizer, captions))
        (states,) = self.run("text_encoder", input_ids=ids, attention_mask=mask)
        count = len(captions)
        text, start, end = self.run(
            "projection_model",
            text_hidden_states=states,
            start_seconds=np.zeros(count, np.float32),
            end_seconds=np.full(count, SECONDS, np.float32),
        )
        start, end = (times.reshape(count, 1, -1) for times in (start, end))
        cross = np.concatenate([text * mask[..., None].astype(np.float32), start, end], axis=1)
        both = np.concatenate([start, end], axis=2)
        return np.concatenate([np.zeros_like(cross), cross]), np.concatenate([both, both])

    def sounds(self, captions: list[str], seed: int, steps: int, guidance: float) -> list[np.ndarray]:
        """Waveforms `[2, samples]` by the node's solver (second-order SDE multistep on the cosine schedule)."""
        settings = {key: value for key, value in self.scheduler.items() if key != "_class_name"}
        scheduler = CosineDPMSolverMultistepScheduler(**settings)
        scheduler.set_timesteps(steps)
        generator = torch.Generator().manual_seed(seed)
        shape = (len(captions), LATENT_CHANNELS, LATENTS)
        scheduler.noise_sampler = lambda *_: torch.randn(shape, generator=generator)
        cross, globals_ = self.conditioning(captions)
        cos, sin = get_1d_rotary_pos_embed(HEAD // 2, LATENTS + 1, use_real=True, repeat_interleave_real=False)
        latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
        for time in scheduler.timesteps:
            scaled = scheduler.scale_model_input(torch.cat([latents] * 2), time)
            (out,) = self.run(
                "transformer",
                sample=scaled.numpy(),
                timestep=time.reshape(1).numpy(),
                encoder_hidden_states=cross,
                global_hidden_states=globals_,
                rotary_cos=cos.numpy(),
                rotary_sin=sin.numpy(),
            )
            without, with_ = torch.from_numpy(out).chunk(2)
            latents = scheduler.step(without + guidance * (with_ - without), time, latents).prev_sample
        return [self.run("vae_decoder", latent_sample=latent[None].numpy())[0][0] for latent in latents]


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


def real_clips(random, count: int):
    """Features and classes of `count` clips of each sound that is worked out, not generated."""
    empty = torch.zeros(FRAMES_PER_LATENT * FEATURES)
    decoder = SpectralDecoder(empty, torch.zeros(LATENT_CHANNELS, empty.numel()))
    found, labels = [], []
    for _ in range(count):
        for index, label in enumerate(CLASSES):
            levels = torch.from_numpy(MAKERS[label](random, random.uniform()))[None]
            found.append(features(decoder.render(levels, torch.tensor(random.integers(0, 90_000)))[0].numpy()))
            labels.append(index)
    return np.array(found), np.array(labels)


def train_classifier(known: np.ndarray, labels: np.ndarray):
    """Features `[n, ...]` to class numbers."""
    mean, deviation = known.mean(axis=0), known.std(axis=0) + 1e-3
    ready = lambda x: torch.from_numpy((x - mean) / deviation).float()  # noqa: E731
    torch.manual_seed(3)
    classifier = torch.nn.Sequential(torch.nn.Linear(known.shape[1], 64), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(64, len(CLASSES)))
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=3e-3, weight_decay=0.05)
    with torch.enable_grad():
        for _ in range(300):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(classifier(ready(known)), torch.from_numpy(labels)).backward()
            optimiser.step()
    classifier.eval()
    return lambda x: classifier(ready(x)).argmax(1).numpy()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pack", type=Path, required=True)
    arguments.add_argument("--real", type=int, default=60, help="real clips of each class to learn from")
    arguments.add_argument("--steps", type=int, help="the pack's own when absent")
    arguments.add_argument("--guidance", type=float, help="the pack's own when absent")
    arguments.add_argument("--spectrograms", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    pack = Pack(given.pack)
    steps, guidance = given.steps or pack.defaults["steps"], given.guidance or pack.defaults["guidanceScale"]
    random = np.random.default_rng(77)
    classify = train_classifier(*real_clips(random, given.real))
    unseen, unseen_labels = real_clips(random, 15)
    report = dict(steps=steps, guidance=guidance, classifier_on_real=float((classify(unseen) == unseen_labels).mean()))
    print("classifier on real clips", report["classifier_on_real"], flush=True)
    right, waves = {}, {}
    for index, label in enumerate(CLASSES):
        made = pack.sounds(held_out_captions(label), seed=index, steps=steps, guidance=guidance)
        answers = classify(np.array([features(wave) for wave in made]))
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
