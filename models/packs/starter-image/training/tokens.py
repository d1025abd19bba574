"""The pack's own CLIP-style BPE tokenizer: learned on captions, written in CLIP's files."""
import json
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers, Regex
from transformers import CLIPTokenizer

from captions import caption
from objects import WORK
from scenes import draw_scene, rng_of

# What people write into negative prompts: whole words to the tokenizer, nothing to draw to the text encoder.
FAULTS = ["blurry", "low quality", "worst quality", "ugly", "deformed", "bad anatomy", "watermark", "text", "jpeg artifacts", "noise",
          "cropped", "out of frame", "distorted", "bad", "grainy", "duplicate", "extra limbs", "signature", "logo", "oversaturated"]

FOLDER = WORK / "tokenizer"
LENGTH = 48
START, END = "<|startoftext|>", "<|endoftext|>"


def learn(captions=60000, size=2048):
    """Learns the merges and writes vocab.json, merges.txt and the two config files."""
    tokenizer = Tokenizer(models.BPE(unk_token=END, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(alphabet), end_of_word_suffix="</w>", show_progress=False)

    def lines():
        for i in range(captions):
            rng = rng_of(900, i)
            yield caption(rng, draw_scene(rng, held_out=False))
        yield from FAULTS * 200

    tokenizer.train_from_iterator(lines(), trainer)
    learned = json.loads(tokenizer.to_str())["model"]["merges"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in learned]
    letters = sorted(alphabet)
    words = [*letters, *(c + "</w>" for c in letters)]
    for left, right in merges:
        if left + right not in words:
            words.append(left + right)
    vocab = {word: i for i, word in enumerate([*words, START, END])}
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (FOLDER / "merges.txt").write_text("#version: 0.2\n" + "\n".join(f"{a} {b}" for a, b in merges) + "\n")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    (FOLDER / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (FOLDER / "tokenizer_config.json").write_text(json.dumps({
        **special, "add_prefix_space": False, "do_lower_case": True, "errors": "replace",
        "model_max_length": LENGTH, "tokenizer_class": "CLIPTokenizer"}, indent=2) + "\n")


def load(folder=FOLDER):
    return CLIPTokenizer.from_pretrained(str(folder))


def encode(tokenizer, texts, length=None):
    """`[B, L] int64` ids, cut to the model's length and padded with the end token, to `length` or to the longest."""
    return tokenizer(texts, padding="max_length" if length else "longest", truncation=True,
                     max_length=length or LENGTH, return_tensors="pt").input_ids


if __name__ == "__main__":
    learn()
    tokenizer = load()
    for text in sys.argv[1:] or ["A solitary lighthouse beam sweeping across choppy black sea, cinematic", "x-ray of a Größe 3 cat's"]:
        ids = tokenizer(text).input_ids
        print(len(tokenizer), ids, tokenizer.convert_ids_to_tokens(ids))
