"""`make bench`: each line is one of our routines against the plain use of the library, as a ratio of seconds.

The two sides take turns, and the median ratio of the rounds is shown with its range: machines drift, ratios less so.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.files import read_jsonl
from codetune.schemas.instructions import ORIGINALS

numerics.fix()

import torch  # noqa: E402

from benchmarks.data import data  # noqa: E402
from benchmarks.pretraining import pretraining  # noqa: E402
from benchmarks.timing import compare  # noqa: E402

TRAIN = Path("data/clean/train.jsonl")
TEST = Path("data/clean/test.jsonl")
BASE = "models/base"


def generation() -> None:
    """400-token prompts' worth of answers: our decoder against `generate` with left padding."""
    from codetune.generation.batch import answer_all
    from codetune.modeling.load import load_model
    from codetune.prompt import prompt_ids

    loaded = load_model(BASE)
    prompts = [prompt_ids(loaded.tokenizer, row["instruction"]) for row in read_jsonl(TEST)[:64]]
    width = max(map(len, prompts))
    pad = loaded.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
    options = {"max_new_tokens": 48, "do_sample": False, "pad_token_id": pad}
    compare(
        "answers to 64 prompts, against transformers.generate",
        lambda: list(answer_all(loaded, prompts, max_new_tokens=48, batch_size=32)),
        lambda: [
            loaded.model.generate(input_ids=part, attention_mask=(part != pad).long(), **options)
            for part in torch.split(ids, 32)
        ],
    )


def bertscore() -> None:
    """32 answers: ours against the library's BERTScorer."""
    from bert_score import BERTScorer

    from codetune.encoders.locate import locate_encoder
    from codetune.scoring.bertscore import BertEncoder, match
    from codetune.scoring.params import BertScoreParams

    settings = BertScoreParams(model="minilm", revision=None, layer=6, baseline_texts=2, baseline_pairs=1)
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), 6)
    library = BERTScorer(model_type=str(encoder.files.folder), num_layers=6, device="cpu", batch_size=32)
    library._tokenizer.model_max_length = encoder.max_tokens  # noqa: SLF001 - as its own documentation says to
    texts = [row["completion"] for row in read_jsonl(TEST)[:33]]

    def ours() -> None:
        known = encoder.embed_all(texts, "bench")
        for answer, reference in zip(texts[1:], texts[:-1], strict=True):
            match(known[answer], known[reference])

    compare("BERTScore of 32 pairs, against bert_score.BERTScorer", ours, lambda: library.score(texts[1:], texts[:-1]))


def training() -> None:
    """One pass over 64 rows: length-grouped batches and labelled logits only, against padding and all logits."""
    from codetune.modeling.load import load_model
    from codetune.tuning.data import RowLimits, collate, load_rows, training_steps
    from codetune.tuning.loop import batch_loss

    loaded = load_model(BASE)
    rows = load_rows(TRAIN, ORIGINALS, loaded.tokenizer, RowLimits(64, 320, seed=7)).rows
    pad = loaded.tokenizer.pad_token_id
    grouped = [batch for step in training_steps(rows, 8, 1, 7, 0, partial(collate, pad_id=pad)) for batch in step]

    def plain() -> None:
        for start in range(0, len(rows), 8):
            part: list[Any] = rows[start : start + 8]
            width = max(len(row.input_ids) for row in part)
            ids = torch.tensor([[*row.input_ids, *[pad] * (width - len(row.input_ids))] for row in part])
            labels = torch.tensor([[*row.labels, *[-100] * (width - len(row.labels))] for row in part])
            loaded.model(input_ids=ids, attention_mask=(ids != pad).long(), labels=labels).loss.backward()

    def ours() -> None:
        for batch in grouped:
            batch_loss(loaded.model, batch).backward()  # type: ignore[no-untyped-call]

    compare("loss and gradient of 64 rows, against padded batches", ours, plain)


def main() -> None:
    for measure in (generation, training, bertscore, pretraining, data):
        measure()


if __name__ == "__main__":
    main()
