"""One guided DDIM picture over onnxruntime's Python package, timed: the same work as the node's pipeline.

    python scripts/bench/python_loop.py PACK STEPS CHANNELS ROWS COLUMNS THREADS ROUNDS    prints the median in ms
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

pack = Path(sys.argv[1])
steps, channels, rows, columns, threads, rounds = map(int, sys.argv[2:8])
SCALE = 7.5
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
ids = np.ones((1, tokens), TYPES[text.get_inputs()[0].type])
timestep = next(edge for edge in unet.get_inputs() if edge.name == "timestep")


def generate() -> np.ndarray:
    wanted = text.run(["last_hidden_state"], {"input_ids": ids})[0]
    unwanted = text.run(["last_hidden_state"], {"input_ids": ids})[0]
    states = np.concatenate([unwanted, wanted])
    latents = np.random.default_rng(1).standard_normal((1, channels, rows, columns), np.float32)
    stride = 1000 // steps
    for t in range((steps - 1) * stride, -1, -stride):
        now = np.full((1,) if timestep.shape else (), t, TYPES[timestep.type])
        both = unet.run(None, {"sample": np.concatenate([latents, latents]), "timestep": now, "encoder_hidden_states": states})[0]
        epsilon = both[:1] + SCALE * (both[1:] - both[:1])
        alpha, before = alphas[t], alphas[max(t - stride, 0)]
        clean = (latents - (1 - alpha) ** 0.5 * epsilon) / alpha**0.5
        latents = before**0.5 * clean + (1 - before) ** 0.5 * epsilon
    picture = decoder.run(None, {"latent_sample": latents.astype(np.float32) / np.float32(scaling)})[0]
    return np.clip(picture / 2 + 0.5, 0, 1)


times = []
for _ in range(rounds + 3):
    begin = time.perf_counter()
    generate()
    times.append((time.perf_counter() - begin) * 1000)
print(float(np.median(times[3:])))
