"""Runs an exported pack in Python, as the node does: tokens, text, guided denoising, decoding, up-scaling."""
from pathlib import Path

import numpy as np
import onnxruntime as ort

from autoencoder import DOWN, LATENT
from objects import THREADS
from schedule import sample
from tokens import LENGTH, encode, load

PACK = Path(__file__).resolve().parent.parent


class Pack:
    def __init__(self, folder=PACK):
        options = ort.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.text, self.unet, self.decoder, self.upscaler = (
            ort.InferenceSession(str(Path(folder) / name / "model.onnx"), options, providers=["CPUExecutionProvider"])
            for name in ("text_encoder", "unet", "vae_decoder", "upscaler"))
        self.tokenizer = load(Path(folder) / "tokenizer")

    def states(self, texts):
        return self.text.run(None, {"input_ids": encode(self.tokenizer, texts, LENGTH).numpy()})[0]

    def draw(self, prompts, seeds, width=512, height=512, steps=24, guidance=1.8, negative=""):
        """Pictures for prompts, `[B, H, W, 3] float32` in [0, 1]."""
        both = np.concatenate([self.states([negative] * len(prompts)), self.states(prompts)])
        noise = np.stack([np.random.default_rng(s).standard_normal((LATENT, height // DOWN, width // DOWN)) for s in seeds])

        def predict(x, t):
            v = self.unet.run(None, {"sample": np.concatenate([x, x]), "timestep": np.array(t, np.int64), "encoder_hidden_states": both})[0]
            without, given = np.split(v, 2)
            return without + guidance * (given - without)

        latents = sample(predict, noise, steps)
        pictures = np.concatenate([self.decoder.run(None, {"latent_sample": z[None]})[0] for z in latents])
        return (pictures.transpose(0, 2, 3, 1) / 2 + 0.5).clip(0, 1)

    def enlarge(self, picture):
        """Twice the size: `[H, W, 3]` to `[2H, 2W, 3]`, both in [0, 1]."""
        return self.upscaler.run(None, {"sample": picture.transpose(2, 0, 1)[None].astype(np.float32)})[0][0].transpose(1, 2, 0)
