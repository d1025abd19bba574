"""One guided DDIM picture over onnxruntime's Python package, timed: the same work as the node's pipeline.

    python scripts/bench/python_loop.py PACK STEPS CHANNELS ROWS COLUMNS THREADS

For every line on standard input, a number of pictures, prints the medians of their milliseconds: passed, of CPU time,
and inside graph runs.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from transformers import CLIPTokenizer

pack = Path(sys.argv[1])
steps, channels, rows, columns, threads = map(int, sys.argv[2:7])
SCALE = np.float32(7.5)
TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float)": np.float32}


def load(part: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(pack / part / "model.onnx"), options, providers=["CPUExecutionProvider"])


text, unet, decoder = load("text_encoder"), load("unet"), load("vae_decoder")
scheduler = json.loads((pack / "scheduler/scheduler_config.json").read_text())
scaling = json.loads((pack / "vae_decoder/config.json").read_text()).get("scaling_factor", 0.18215)
tokens = json.loads((pack / "text_encoder/config.json").read_text())["max_position_embeddings"]
start, end = scheduler.get("beta_start", 0.0001), scheduler.get("beta_end", 0.02)
betas = np.linspace(start**0.5, end**0.5, 1000, dtype=np.float32) ** 2
alphas = np.cumprod(1 - betas)
id_type = TYPES[text.get_inputs()[0].type]
tokenizer = CLIPTokenizer.from_pretrained(pack / "tokenizer").backend_tokenizer
tokenizer.enable_truncation(tokens)
tokenizer.enable_padding(length=tokens)
to_v = scheduler.get("prediction_type", "epsilon") == "v_prediction"
clip = np.float32(scheduler.get("clip_sample_range", 1)) if scheduler.get("clip_sample", True) else None
timestep = next(edge for edge in unet.get_inputs() if edge.name == "timestep")


inside = 0.0


def run(session: onnxruntime.InferenceSession, feeds: dict[str, np.ndarray], outputs: list[str] | None = None) -> np.ndarray:
    global inside
    begin = time.perf_counter()
    result = session.run(outputs, feeds)[0]
    inside += time.perf_counter() - begin
    return result


def encode(words: str) -> np.ndarray:
    return run(text, {"input_ids": np.array([tokenizer.encode(words).ids], id_type)}, ["last_hidden_state"])


def generate() -> np.ndarray:
    wanted = encode("a lighthouse by a black sea at night")
    states = np.concatenate([encode("blurry, grey"), wanted])
    # A Mersenne Twister and normals from it, as torch draws them.
    latents = np.random.RandomState(1).standard_normal((1, channels, rows, columns)).astype(np.float32)
    stride = 1000 // steps
    for t in range((steps - 1) * stride, -1, -stride):
        now = np.full((1,) if timestep.shape else (), t, TYPES[timestep.type])
        both = run(unet, {"sample": np.concatenate([latents, latents]), "timestep": now, "encoder_hidden_states": states})
        output = both[:1] + SCALE * (both[1:] - both[:1])
        alpha, before = alphas[t], alphas[max(t - stride, 0)]
        if to_v:
            clean = alpha**0.5 * latents - (1 - alpha) ** 0.5 * output
            epsilon = alpha**0.5 * output + (1 - alpha) ** 0.5 * latents
        else:
            clean = (latents - (1 - alpha) ** 0.5 * output) / alpha**0.5
            epsilon = output
        if clip is not None:
            clean = np.clip(clean, -clip, clip)
        latents = before**0.5 * clean + (1 - before) ** 0.5 * epsilon
    if not np.isfinite(latents).all():
        raise SystemExit("not finite")
    picture = run(decoder, {"latent_sample": latents / np.float32(scaling)}) / 2 + 0.5
    if not np.isfinite(picture).all():
        raise SystemExit("not finite")
    return np.clip(picture[0], 0, 1)


for line in sys.stdin:
    times, cpu, runs = [], [], []
    for _ in range(int(line)):
        begin, before, inside = time.perf_counter(), time.process_time(), 0.0
        generate()
        cpu.append((time.process_time() - before) * 1000)
        times.append((time.perf_counter() - begin) * 1000)
        runs.append(inside * 1000)
    print(*(float(np.median(each)) for each in (times, cpu, runs)), flush=True)
