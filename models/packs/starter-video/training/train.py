"""Trains the starter video pack: an LTX transformer of 1.5 M parameters on motion latents, on one core.

    python train.py --work FOLDER [--minutes 25] [--steps 2600]

Clips are made as they are needed (captions.py). A checkpoint is written every 200 steps and when the run is stopped,
and found again at the next start. Needs torch, transformers, tokenizers and diffusers (whose model class gives the
graph its layout).
"""

import argparse
import json
import signal
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import LTXVideoTransformer3DModel
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import T5Config, T5EncoderModel

from captions import caption_of, choose_motions, make_clip, random_grid
from decoder import CHANNELS, FRAMES_PER_LATENT, FRAMES_PER_SECOND, GRIDS
from motions import ASKED

MAX_TOKENS = 48
TEXT_WIDTH = 128
HEADS, HEAD, LAYERS = 4, 32, 4
PATCH = 2
SEEN = 4
# Cells count as 192 pixels in the rotary positions, so that a grid spans most of what the transformer can tell apart.
CELL = 192
# Of a channel where something moves, not over all clips, where most channels are nought: a pan of six deviations that is
# the same in every cell would show through nearly all noise, and the words would hardly be needed.
DEVIATION = torch.tensor([0.03, 0.03, 0.08, 0.012, 0.014, 0.22, 0.7, 0.7])
MEAN = torch.tensor([0.0, 0.0, 0.02, 0.0, 0.0, 0.0, 0.09, 0.09])


def make_tokenizer(path: Path) -> Tokenizer:
    """A Unigram vocabulary in T5's form: `<pad>` 0, `</s>` 1, `<unk>` 2, an end mark after every text."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    random = np.random.default_rng(5)
    corpus = [make_clip(random, 2, (2, 2))["caption"] for _ in range(4000)] + list("abcdefghijklmnopqrstuvwxyz") * 9
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=700, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", max_piece_length=14
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(path))
    return tokenizer


def make_models(vocabulary: int):
    text = T5EncoderModel(
        T5Config(vocab_size=vocabulary, d_model=TEXT_WIDTH, d_kv=32, d_ff=256, num_layers=2, num_heads=4)
    )
    packed = len(CHANNELS) * PATCH * PATCH
    transformer = LTXVideoTransformer3DModel(
        in_channels=packed + SEEN * PATCH * PATCH,
        out_channels=packed,
        patch_size=PATCH,
        num_attention_heads=HEADS,
        attention_head_dim=HEAD,
        cross_attention_dim=HEADS * HEAD,
        num_layers=LAYERS,
        caption_channels=TEXT_WIDTH,
    )
    # Names the motions in a caption. The film does not need it; the text encoder learns from it within a few hundred
    # steps what it would learn from the flow alone in thousands.
    naming = torch.nn.Linear(TEXT_WIDTH, len(ASKED))
    return torch.nn.ModuleDict(dict(text_encoder=text, transformer=transformer, naming=naming))


def pack(fields: torch.Tensor) -> torch.Tensor:
    """`[B, C, F, rows, columns]` to tokens `[B, F * rows/2 * columns/2, 4 C]` in the order of diffusers' LTX."""
    b, c, f, rows, columns = fields.shape
    cut = fields.reshape(b, c, f, rows // PATCH, PATCH, columns // PATCH, PATCH)
    return cut.permute(0, 2, 3, 5, 1, 4, 6).reshape(b, f * (rows // PATCH) * (columns // PATCH), c * PATCH * PATCH)


def packed_clips(clips: list[dict], frames: int):
    """What clips of one grid hold, as tokens for the transformer: their latents, scaled, and their pictures at all times."""
    latents = torch.stack([torch.from_numpy(clip["latents"]) for clip in clips])
    seen = torch.stack([torch.from_numpy(clip["seen"]) for clip in clips])
    scaled = (latents - MEAN.view(1, -1, 1, 1, 1)) / DEVIATION.view(1, -1, 1, 1, 1)
    return pack(scaled), pack(seen[:, :, None].expand(-1, -1, frames, -1, -1))


def tokens_of(tokenizer: Tokenizer, captions: list[str]):
    ids = np.zeros((len(captions), MAX_TOKENS), np.int64)
    mask = np.zeros((len(captions), MAX_TOKENS), np.float32)
    for row, caption in enumerate(captions):
        encoded = tokenizer.encode(caption).ids[:MAX_TOKENS]
        encoded[-1] = 1
        ids[row, : len(encoded)] = encoded
        mask[row, : len(encoded)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def naming_loss(nets, states, mask, clips):
    """How badly the motions of each clip are told from its caption's states `[B, N, D]`."""
    mean = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    wanted = torch.tensor([[float(motion in clip["motions"]) for motion in ASKED] for clip in clips])
    loss = torch.nn.functional.binary_cross_entropy_with_logits(nets["naming"](mean), wanted, reduction="none").sum(dim=1)
    # An empty caption names nothing: two tokens or fewer are the end mark and its space.
    told = (mask.sum(dim=1) > 2).float()
    return (loss * told).sum() / told.sum().clamp(min=1)


def teach_names(nets, tokenizer, random, steps: int, batch: int = 64):
    """Teaches the text encoder alone to name motions: captions cost nothing, films do."""
    learned = [*nets["text_encoder"].parameters(), *nets["naming"].parameters()]
    optimiser = torch.optim.AdamW(learned, lr=1e-3, weight_decay=0.01)
    for step in range(steps):
        motions = [choose_motions(random) for _ in range(batch)]
        captions = [caption_of(random, each, float(random.uniform())) for each in motions]
        ids, mask = tokens_of(tokenizer, captions)
        longest = int(mask.sum(dim=1).max())
        ids, mask = ids[:, :longest], mask[:, :longest]
        states = nets["text_encoder"](input_ids=ids).last_hidden_state
        loss = naming_loss(nets, states, mask, [dict(motions=each) for each in motions])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 100 == 99:
            print(json.dumps(dict(naming_step=step + 1, naming=round(loss.item(), 4))), flush=True)


def predict(nets, tokens, seen, states, mask, sigma, frames, grid):
    """The flow at noise level `sigma` `[B]`."""
    return nets["transformer"](
        hidden_states=torch.cat([tokens, seen], dim=2),
        encoder_hidden_states=states,
        timestep=sigma * 1000.0,
        encoder_attention_mask=mask,
        num_frames=frames,
        height=grid[0] // PATCH,
        width=grid[1] // PATCH,
        rope_interpolation_scale=(FRAMES_PER_LATENT / FRAMES_PER_SECOND, CELL, CELL),
        return_dict=False,
    )[0]


# The channel that tells the direction of a motion, for those whose course the words decide.
TELLING = dict(pan={"left": 0, "right": 0, "up": 1, "down": 1}, zoom={"in": 2, "out": 2}, clouds={"left": 3, "right": 3},
               daylight={"rise": 5, "set": 5}, travel={"left": 3, "right": 3, "up": 4, "down": 4})  # fmt: skip


@torch.no_grad()
def heard(nets, tokenizer, clips_each: int = 4, frames: int = 7) -> dict:
    """How far the words alone decide: out of pure noise, the correlation of the film foretold with the film that the caption
    belongs to, for every motion with a direction. 1 when the words are understood, 0 when they are not heard."""
    random, grid = np.random.default_rng(77), GRIDS[0]
    said = {}
    for name, channels in TELLING.items():
        for direction, channel in channels.items():
            clips = [make_clip(random, frames, grid, motions=[(name, direction)]) for _ in range(clips_each)]
            target, seen = packed_clips(clips, frames)
            ids, mask = tokens_of(tokenizer, [clip["caption"] for clip in clips])
            states = nets["text_encoder"](input_ids=ids).last_hidden_state
            noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(7))
            foretold = noise - predict(nets, noise, seen, states, mask, torch.ones(clips_each), frames, grid)
            of_channel = slice(channel * PATCH**2, (channel + 1) * PATCH**2)
            pair = torch.stack([foretold[..., of_channel].flatten(), target[..., of_channel].flatten()])
            said[f"{name} {direction}"] = round(torch.corrcoef(pair)[0, 1].item(), 2)
    return said


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--minutes", type=float, default=25)
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument("--steps", type=int, default=2600, help="the run ends at these steps or minutes, and the learning rate with it")
    arguments.add_argument("--naming-steps", type=int, default=800, help="steps of the text encoder alone, first")
    arguments.add_argument("--name-again", action="store_true", help="those steps once more, as after a change of the wordings")
    given = arguments.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(1)

    tokenizer = make_tokenizer(given.work / "tokenizer.json")
    nets = make_models(tokenizer.get_vocab_size())
    average = {name: value.detach().clone() for name, value in nets.state_dict().items()}
    optimiser = torch.optim.AdamW(nets.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent, named = 0, 0.0, False
    checkpoint = given.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        nets.load_state_dict(saved["nets"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step, spent = saved["average"], saved["step"], saved["spent"]
        named = saved.get("named", False)
    random = np.random.default_rng(step + 10)
    if given.naming_steps and (not named or given.name_again):
        teach_names(nets, tokenizer, random, given.naming_steps)
        named = True
    print(f"{sum(p.numel() for p in nets.parameters()) / 1e6:.2f} M parameters, from step {step}", flush=True)

    def save():
        state = dict(nets=nets.state_dict(), optimiser=optimiser.state_dict(), average=average, step=step, spent=spent, named=named)
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").rename(checkpoint)

    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    began, running = time.time(), []
    while not stopping and step < given.steps and spent + (time.time() - began) / 60 < given.minutes:
        grid = random_grid(random)
        # Every length that can be asked for, the short ones more often: they are cheap.
        frames = int(random.choice([4, 5, 7, 8, 10, 13, 16, 20, 26, 31], p=[0.27, 0.23, 0.16, 0.1, 0.08, 0.06, 0.07, 0.01, 0.01, 0.01]))
        clips = [make_clip(random, frames, grid) for _ in range(given.batch)]
        target, seen = packed_clips(clips, frames)
        captions = [clip["caption"] if random.uniform() > 0.1 else "" for clip in clips]
        ids, mask = tokens_of(tokenizer, captions)
        states = nets["text_encoder"](input_ids=ids).last_hidden_state

        sigma = torch.sigmoid(0.4 + 1.3 * torch.randn(given.batch))
        # A pan is the same in every cell, so it shows through all but the strongest noise; only where nothing shows must the
        # words be listened to, and that is where sampling begins.
        sigma = torch.where(torch.rand(given.batch) < 0.4, 1 - 0.06 * torch.rand(given.batch) ** 2, sigma)
        noise = torch.randn(target.shape)
        noisy = target + sigma[:, None, None] * (noise - target)
        flow = predict(nets, noisy, seen, states, mask, sigma, frames, grid)
        loss = torch.nn.functional.mse_loss(flow, noise - target)
        naming = naming_loss(nets, states, mask, clips)
        # The rate has fallen when the first of the two limits is reached, however busy the machine is.
        minutes = spent + (time.time() - began) / 60
        done = min(1.0, max(step / given.steps, minutes / given.minutes))
        rate = 1.5e-3 * min(1.0, step / 100) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-5
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        optimiser.zero_grad()
        (loss + 0.1 * naming).backward()
        torch.nn.utils.clip_grad_norm_(nets.parameters(), 1.0)
        optimiser.step()
        step += 1
        decay = min(0.998, step / (step + 20))
        for name, value in nets.state_dict().items():
            average[name].lerp_(value, 1 - decay) if value.is_floating_point() else average[name].copy_(value)
        running.append((loss.item(), naming.item()))
        if step % 50 == 0:
            minutes = spent + (time.time() - began) / 60
            means = np.mean(running, axis=0).round(4).tolist()
            print(json.dumps(dict(step=step, loss=means[0], naming=means[1], minutes=round(minutes, 1))), flush=True)
            running = []
        if step % 500 == 0:
            print(json.dumps(heard(nets, tokenizer)), flush=True)
        if step % 200 == 0:
            spent, began = spent + (time.time() - began) / 60, time.time()
            save()
    spent, began = spent + (time.time() - began) / 60, time.time()
    save()
    print(f"stopped at step {step}", flush=True)


if __name__ == "__main__":
    main()
