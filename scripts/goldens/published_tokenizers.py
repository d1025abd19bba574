"""Compares the node's tokenizers with transformers' on tokenizer folders as models publish them.

    python scripts/goldens/published_tokenizers.py FOLDER

Takes every `tokenizer*` folder below FOLDER and encodes the 2,000 strings of the tokenizer goldens on both sides, whole
and cut and padded to 77. Needs a built node (npm run build). Such folders are too large to keep here.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import transformers

ROOT = Path(__file__).resolve().parents[2]
STRINGS = ROOT / "models/tokenizers/goldens/strings.json"
# A folder has one of these; some copies of folders lack it.
VOCABULARIES = ("tokenizer.json", "merges.txt", "*.model")
ENCODE = """
import { readFileSync, writeFileSync } from 'node:fs';
const [loader, folder, strings, out] = process.argv.slice(1);
const tokenizer = await (await import(loader)).loadTokenizer(folder);
const answers = JSON.parse(readFileSync(strings, 'utf8')).map((text) => {
  const { ids, attentionMask } = tokenizer.encode(text, { maxLength: 77, pad: true });
  return [tokenizer.encode(text, { maxLength: 1e6, pad: false }).ids, ids, attentionMask];
});
writeFileSync(out, JSON.stringify(answers));
"""


def ours(folder: Path) -> list:
    loader = (ROOT / "dist/models/tokenizers/load.js").as_uri()
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = ["node", "--input-type=module", "-e", ENCODE, loader, folder, STRINGS, out.name]
        subprocess.run(command, check=True)
        return json.loads(Path(out.name).read_text())


def theirs(folder: Path, strings: list[str]) -> tuple[str, list]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    # Pipelines pad on the right whatever a language model's files say.
    tokenizer.padding_side = "right"
    answers = []
    for text in strings:
        padded = tokenizer(text, padding="max_length", max_length=77, truncation=True)
        answers.append([tokenizer(text).input_ids, padded.input_ids, padded.attention_mask])
    return type(tokenizer).__name__, answers


def main(root: Path) -> None:
    transformers.logging.set_verbosity_error()
    strings = json.loads(STRINGS.read_text())
    print("| folder | class | strings that differ |\n|---|---|--:|")
    failed = False
    for folder in sorted(path for path in root.rglob("tokenizer*") if path.is_dir() and any(file for kind in VOCABULARIES for file in path.glob(kind))):
        name, expected = theirs(folder, strings)
        different = [text for text, mine, wanted in zip(strings, ours(folder), expected) if mine != wanted]
        failed = failed or bool(different)
        print(f"| {folder.relative_to(root)} | {name} | {len(different)} of {len(strings)} |", flush=True)
        for text in different[:3]:
            print(f"  {text!r}", file=sys.stderr)
    if failed:
        raise SystemExit("not all alike")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
