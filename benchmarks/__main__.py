"""Run the benchmarks (`make bench`). Each line compares one of our routines with the plain use of a library.

`make bench parts="lora training"` runs only some parts.
Both sides run in turns, and the line shows the median of the ratios and their range. The speed of a machine varies over
time; ratios vary less.
"""

from __future__ import annotations

import argparse
import statistics as averages
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.files import read_jsonl

numerics.fix()

import numpy as np  # noqa: E402
import torch  # noqa: E402

from benchmarks.data import data  # noqa: E402
from benchmarks.engine_memory import engine_memory  # noqa: E402
from benchmarks.engines import answers_at_once, engine_speed, first_token  # noqa: E402
from benchmarks.large_model import large_model  # noqa: E402
from benchmarks.prompt_lookup import prompt_lookup  # noqa: E402
from benchmarks.revisions import revisions  # noqa: E402
from benchmarks.serving import one_answer, ten_sessions  # noqa: E402
from benchmarks.timing import ROUNDS, compare, seconds  # noqa: E402
from benchmarks.tuning import lora, training  # noqa: E402

TEST = Path("data/clean/test.jsonl")
BASE = "models/base"


def generation() -> None:
    """Compare our decoder with the limit set by its matrix products, and with `generate` with left padding."""
    from codetune.generation.batch import answer_all
    from codetune.models.load import load_model
    from codetune.models.prompt import prompt_ids

    loaded = load_model(BASE)
    prompts = [prompt_ids(loaded.tokenizer, row["instruction"]) for row in read_jsonl(TEST)[:128]]

    def answer(rows: int, tokens: int = 48) -> int:
        found = answer_all(loaded, prompts[:rows], max_new_tokens=tokens, batch_size=rows)
        return sum(len(answer.ids) for _, answer in found)

    for rows in (32, 128):
        shares = []
        for _ in range(ROUNDS):
            reading = seconds(partial(answer, rows, 1))
            start = time.perf_counter()
            tokens = answer(rows) - rows
            speed = tokens / (time.perf_counter() - start - reading)
            shares.append((speed / _allowed(loaded.model, rows), speed))
        share, speed = map(averages.median, zip(*shares, strict=True))
        print(f"{f'{rows} answers at a time':58} {speed:5.0f} tokens/s, {share:.0%} of what matrix products allow")
    width = max(map(len, prompts[:64]))
    pad = loaded.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts[:64]])
    options = {"max_new_tokens": 48, "do_sample": False, "pad_token_id": pad}
    compare(
        "answers to 64 prompts, against transformers.generate",
        lambda: answer(64),
        lambda: [
            loaded.model.generate(input_ids=part, attention_mask=(part != pad).long(), **options)
            for part in torch.split(ids, 32)
        ],
    )
    _sampling(loaded.model.config.vocab_size)


def _sampling(vocabulary: int) -> None:
    """Compare how a token is sampled with sorting the whole vocabulary, at the settings of `answer_validity`."""
    from codetune.generation.sampling import SamplingSettings, choose_token

    settings = SamplingSettings(temperature=0.5, top_p=0.95)
    generator = torch.Generator().manual_seed(7)
    logits = 3 * torch.randn(vocabulary, generator=generator)

    def plain() -> int:
        scaled, order = (logits / settings.temperature).sort(descending=True, stable=True)
        shares = scaled.softmax(-1)
        kept = shares.cumsum(-1) - shares < settings.top_p
        return int(order[torch.multinomial(shares * kept, 1, generator=generator)])

    compare(
        "a sampled token, against sorting all logits",
        lambda: [choose_token(logits, settings, generator) for _ in range(100)],
        lambda: [plain() for _ in range(100)],
    )


def _allowed(model: Any, rows: int) -> float:
    """Return the tokens per second that were possible if a step needed only its matrix products."""
    weights = [module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)]
    states = {size: torch.randn(rows, size) for size in {weight.shape[1] for weight in weights}}

    def products() -> None:
        for weight in weights:
            torch.nn.functional.linear(states[weight.shape[1]], weight)

    with torch.inference_mode():
        return rows / min(seconds(products) for _ in range(3))


def bertscore() -> None:
    """Compare BERTScore of 32 answers with the library's BERTScorer."""
    from bert_score import BERTScorer

    from codetune.evaluation.metrics.bertscore import BertEncoder, match
    from codetune.evaluation.metrics.params import BertScoreParams
    from codetune.models.encoders.locate import locate_encoder

    settings = BertScoreParams(model="minilm", revision=None, layer=6, baseline_pairs=1)
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), 6)
    library = BERTScorer(model_type=str(encoder.files.folder), num_layers=6, device="cpu", batch_size=32)
    library._tokenizer.model_max_length = encoder.max_tokens  # noqa: SLF001 - recommended by its documentation
    texts = [row["completion"] for row in read_jsonl(TEST)[:33]]

    def ours() -> None:
        known = encoder.embed_all(texts, "bench")
        for answer, reference in zip(texts[1:], texts[:-1], strict=True):
            match(known[answer], known[reference])

    compare("BERTScore of 32 pairs, against bert_score.BERTScorer", ours, lambda: library.score(texts[1:], texts[:-1]))


def statistics() -> None:
    """Measure the paired bootstrap of a large test set, in seconds; there is no plain use to compare with."""
    from codetune.stats.intervals import paired_intervals

    drawn = np.random.default_rng(1).random((10, 2, 2_000))
    pairs = [(base.tolist(), tuned.tolist()) for base, tuned in drawn]
    took = seconds(lambda: paired_intervals(pairs, samples=10_000, confidence=0.95, seed=7))
    print(f"{'10,000 resamples of 10 metrics and 2,000 prompts':58} {took:5.2f} s")


def busy() -> None:
    """Run the benchmark on busy cores in its own process, so that no other part has started threads there."""
    subprocess.run([sys.executable, "-m", "benchmarks.busy"], check=True)


SERVING = (
    one_answer, ten_sessions, engine_speed, first_token, answers_at_once, large_model, prompt_lookup, engine_memory,
)  # fmt: skip


def serving() -> None:
    """Measure the models of the page and the engines of the server."""
    for measure in SERVING:
        measure()


PARTS = (generation, training, lora, bertscore, statistics, revisions, data, serving, busy)


def main() -> None:
    named = {part.__name__: part for part in (*PARTS, *SERVING)}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time parts of codetune, as ratios.")
    parser.add_argument(
        "parts", nargs="*", choices=["all", *named], default="all", metavar="part", help=f"any of {', '.join(named)}"
    )
    chosen = parser.parse_args().parts
    for name in [part.__name__ for part in PARTS] if "all" in chosen else chosen:
        named[name]()


if __name__ == "__main__":
    main()
