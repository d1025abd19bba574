"""Embeddings of a few sentences by transformers' tokenizer and onnxruntime, as the model's card pools them.

    python scripts/goldens/sentences.py .cache/safety > safety/prompt/goldens/sentences.json
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from transformers import PreTrainedTokenizerFast

SENTENCES = [
    "a lighthouse in a storm",
    "A cat playing with a ball of wool, 100% cotton.",
    "un café crème près de la fenêtre",
    "x",
    "a very long walk through the old town " * 20,
]

folder = Path(sys.argv[1])
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "sentences.tokenizer.json"), pad_token="[PAD]")
session = onnxruntime.InferenceSession(folder / "sentences.onnx", providers=["CPUExecutionProvider"])
answers = []
for sentence in SENTENCES:
    encoded = tokenizer(sentence, truncation=True, max_length=128, padding=False, return_tensors="np")
    feeds = {name: encoded[name].astype(np.int64) for name in ("input_ids", "attention_mask")}
    feeds["token_type_ids"] = np.zeros_like(feeds["input_ids"])
    states = session.run(["last_hidden_state"], feeds)[0][0]
    mean = states.mean(axis=0)
    unit = mean / np.linalg.norm(mean)
    answers.append({"text": sentence, "ids": encoded["input_ids"][0].tolist(), "embedding": [round(float(v), 6) for v in unit]})
json.dump(answers, sys.stdout)
