"""Trains the starter audio pack: a Stable Audio transformer of 3 M parameters and its text encoder, on one core.

    python train.py --work FOLDER [--minutes 25]

Everything is made here: the clips (sounds.py), the projection to latents (codec.py), the tokenizer. A checkpoint is
written every 200 steps and found again at the next start, so the run may be stopped at any time.
Needs torch, transformers, tokenizers and diffusers (whose model classes give the graphs their layout).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import StableAudioDiTModel
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from diffusers.pipelines.stable_audio import StableAudioProjectionModel
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import T5Config, T5EncoderModel

from captions import FRAMES_OF_SPEECH, PHRASES, STRONG, WEAK, training_caption
from codec import FRAMES_PER_LATENT, HOP, LATENT_CHANNELS, LATENTS, RATE, fit_projection
from sounds import CLASSES, MAKERS

MAX_TOKENS = 24
TEXT_WIDTH = 128
HEAD = 32
SECONDS = LATENTS * FRAMES_PER_LATENT * HOP / RATE
MAX_SECONDS = 8


def make_tokenizer(path: Path) -> Tokenizer:
    """A Unigram vocabulary in T5's form: `<pad>` 0, `</s>` 1, `<unk>` 2, an end mark after every text."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    words = [phrase for phrases in PHRASES.values() for phrase in phrases[:-2]]
    corpus = words * 4 + WEAK * 6 + STRONG * 6 + [frame.replace("{}", "") for frame in FRAMES_OF_SPEECH] * 4
    corpus += ["abcdefghijklmnopqrstuvwxyz", "0123456789", ", . : - '"] * 2
    trainer = trainers.UnigramTrainer(
        vocab_size=420, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", max_piece_length=12
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(path))
    return tokenizer


def make_clips(path: Path, per_class: int) -> dict:
    if path.exists():
        return dict(np.load(path))
    random = np.random.default_rng(2024)
    strengths = random.uniform(size=(per_class, len(CLASSES))).astype(np.float32)
    sample = np.stack([MAKERS[c](random, s) for row in strengths[:60] for c, s in zip(CLASSES, row)])
    mean, back, into, kept = fit_projection(sample)
    print(f"projection keeps {kept:.4f} of the variance", flush=True)
    latents = np.zeros((per_class, len(CLASSES), LATENTS, LATENT_CHANNELS), np.float16)
    for row in range(per_class):
        for column, label in enumerate(CLASSES):
            levels = MAKERS[label](random, float(strengths[row, column]))
            latents[row, column] = (levels.reshape(LATENTS, -1) - mean) @ into
    silence = ((0.0 - mean) @ into).astype(np.float32)
    made = dict(mean=mean, back=back, into=into, latents=latents, strengths=strengths, silence=silence)
    np.savez(path, **made)
    return made


def make_models(vocabulary: int):
    text = T5EncoderModel(
        T5Config(vocab_size=vocabulary, d_model=TEXT_WIDTH, d_kv=32, d_ff=256, num_layers=2, num_heads=4)
    )
    width = 6 * HEAD
    projection = StableAudioProjectionModel(TEXT_WIDTH, width, 0, MAX_SECONDS)
    transformer = StableAudioDiTModel(
        sample_size=LATENTS,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=4,
        attention_head_dim=HEAD,
        num_attention_heads=6,
        num_key_value_attention_heads=3,
        cross_attention_dim=width,
        cross_attention_input_dim=width,
        global_states_input_dim=2 * width,
    )
    return torch.nn.ModuleDict(dict(text_encoder=text, projection_model=projection, transformer=transformer))


def tokens_of(tokenizer: Tokenizer, captions: list[str]):
    ids = np.zeros((len(captions), MAX_TOKENS), np.int64)
    mask = np.zeros_like(ids)
    for row, caption in enumerate(captions):
        encoded = tokenizer.encode(caption).ids[:MAX_TOKENS]
        encoded[-1] = 1
        ids[row, : len(encoded)] = encoded
        mask[row, : len(encoded)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def conditioning(nets, ids, mask, ends):
    """Cross-attention states `[B, tokens + 2, width]` and global states `[B, 1, 2 width]`, as the pipeline makes them."""
    states = nets["text_encoder"](input_ids=ids, attention_mask=mask).last_hidden_state
    states = nets["projection_model"](text_hidden_states=states).text_hidden_states * mask[..., None]
    times = nets["projection_model"](start_seconds=torch.zeros_like(ends), end_seconds=ends)
    start, end = times.seconds_start_hidden_states, times.seconds_end_hidden_states
    return torch.cat([states, start, end], dim=1), torch.cat([start, end], dim=2)


def teach_names(text, tokenizer, random, steps: int, batch: int = 64):
    """Teaches the text encoder alone which sound a caption names: captions cost nothing, clips do."""
    naming = torch.nn.Linear(TEXT_WIDTH, len(CLASSES))
    optimiser = torch.optim.AdamW([*text.parameters(), *naming.parameters()], lr=1e-3, weight_decay=0.01)
    for step in range(steps):
        labels = random.integers(0, len(CLASSES), batch)
        ids, mask = tokens_of(tokenizer, [training_caption(random, CLASSES[label], float(random.uniform())) for label in labels])
        states = text(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        loss = torch.nn.functional.cross_entropy(naming(mean), torch.from_numpy(labels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % 100 == 0:
            print(json.dumps(dict(naming_step=step + 1, naming=round(loss.item(), 4))), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--minutes", type=float, default=25)
    arguments.add_argument("--batch", type=int, default=16)
    arguments.add_argument("--per-class", type=int, default=500)
    arguments.add_argument("--steps", type=int, default=10000, help="the run ends at these steps or minutes, and the learning rate with it")
    arguments.add_argument("--naming-steps", type=int, default=500, help="steps of the text encoder alone, first")
    given = arguments.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(1)

    tokenizer = make_tokenizer(given.work / "tokenizer.json")
    clips = make_clips(given.work / "clips.npz", given.per_class)
    latents, silence = clips["latents"], torch.from_numpy(clips["silence"])
    nets = make_models(tokenizer.get_vocab_size())
    average = {name: value.detach().clone() for name, value in nets.state_dict().items()}
    optimiser = torch.optim.AdamW(nets.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent = 0, 0.0
    checkpoint = given.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        nets.load_state_dict(saved["nets"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step, spent = saved["average"], saved["step"], saved["spent"]
    random = np.random.default_rng(step + 10)
    if step == 0:
        teach_names(nets["text_encoder"], tokenizer, random, given.naming_steps)
    rotary = get_1d_rotary_pos_embed(HEAD // 2, LATENTS + 1, use_real=True, repeat_interleave_real=False)
    print(f"{sum(p.numel() for p in nets.parameters()) / 1e6:.2f} M parameters, from step {step}", flush=True)

    def save():
        state = dict(nets=nets.state_dict(), optimiser=optimiser.state_dict(), average=average, step=step, spent=spent)
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").rename(checkpoint)

    began, running = time.time(), []
    while step < given.steps and spent + (time.time() - began) / 60 < given.minutes:
        rows = random.integers(0, latents.shape[0], given.batch)
        columns = random.permutation(np.resize(random.permutation(len(CLASSES)), given.batch))
        target = torch.from_numpy(latents[rows, columns].astype(np.float32))
        ends = torch.full((given.batch,), SECONDS)
        for item in range(given.batch):
            if random.uniform() < 0.2:
                length = int(random.integers(LATENTS // 5, LATENTS))
                target[item, length:] = silence
                ends[item] = length * SECONDS / LATENTS
        target = target.transpose(1, 2)
        captions = [
            training_caption(random, CLASSES[c], float(clips["strengths"][r, c])) for r, c in zip(rows, columns)
        ]
        ids, mask = tokens_of(tokenizer, captions)
        cross, globals_ = conditioning(nets, ids, mask, ends)
        keep = torch.from_numpy((random.uniform(size=given.batch) > 0.1).astype(np.float32))
        cross = cross * keep[:, None, None]

        # v-prediction on the circle of Salimans and Ho: angle = atan(sigma), timestep = 2 angle / pi.
        # The spectrum of a sound is much the same all through it, so it shows through all but the strongest noise; only where
        # nothing shows must the words be listened to, and that is where sampling begins.
        timestep = random.beta(1.3, 1.0, given.batch)
        timestep = np.where(random.uniform(size=given.batch) < 0.35, 1 - 0.06 * random.uniform(size=given.batch), timestep)
        timestep = torch.from_numpy(timestep.astype(np.float32)).clamp(1e-3, 1 - 1e-3)
        angle = (timestep * torch.pi / 2)[:, None, None]
        noise = torch.randn(target.shape)
        noisy = angle.cos() * target + angle.sin() * noise
        velocity = angle.cos() * noise - angle.sin() * target
        predicted = nets["transformer"](
            noisy, timestep, encoder_hidden_states=cross, global_hidden_states=globals_, rotary_embedding=rotary, return_dict=False
        )[0]
        loss = torch.nn.functional.mse_loss(predicted, velocity)
        # The rate has fallen when the first of the two limits is reached, however busy the machine is.
        done = min(1.0, max(step / given.steps, (spent + (time.time() - began) / 60) / given.minutes))
        rate = 1e-3 * min(1.0, step / 100) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-5
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(nets.parameters(), 1.0)
        optimiser.step()
        step += 1
        decay = min(0.998, step / (step + 20))
        for name, value in nets.state_dict().items():
            average[name].lerp_(value, 1 - decay) if value.is_floating_point() else average[name].copy_(value)
        running.append(loss.item())
        if step % 100 == 0:
            minutes = spent + (time.time() - began) / 60
            print(json.dumps(dict(step=step, loss=round(float(np.mean(running)), 4), minutes=round(minutes, 1))), flush=True)
            running = []
        if step % 200 == 0:
            spent, began = spent + (time.time() - began) / 60, time.time()
            save()
    spent, began = spent + (time.time() - began) / 60, time.time()
    save()
    print(f"stopped at step {step}", flush=True)


if __name__ == "__main__":
    main()
