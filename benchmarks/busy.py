"""Measure how much slower each heavy stage is while every core runs a busy loop.

A fair scheduler gives the stage half of each core, so a factor of 2 cannot be avoided. A factor above 3 shows that
threads wait for each other: when several threads share a small operator, each of them must first get time on a core.

Other work on the machine changes the factors, because it takes time on the same cores.

Run by `make bench parts=busy`, which fixes numerics before the stages import torch. Every stage processes a small part
of the data, in a temporary folder. Stages that need an adapter use the one trained just before.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from benchmarks import synthetic
from benchmarks.timing import ROUNDS, seconds
from codetune import numerics
from codetune.core.config import Section, load_section, read_params
from codetune.data.augment.params import AugmentParams
from codetune.data.clean.params import CleanParams
from codetune.data.ingest.params import FolderSource, IngestParams
from codetune.data.leakage.params import ExamineParams
from codetune.evaluation.metrics.params import ScoreParams
from codetune.export.params import ExportParams
from codetune.generation.params import GenerateParams
from codetune.models.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.training.params import TrainParams
from stages import augment, clean, examine, export, generate, ingest, score, train

LIMIT = 3.0
_SETTLE_S = 0.5
_BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(10**6): pass"
_SYNTHETIC_ROWS = 2_000
_DATA, _SAMPLES, _LEDGER = Path("data/clean"), Path("reports/samples"), Path("data/clean/ledger.parquet")
SectionT = TypeVar("SectionT", bound=Section)
Stage = Callable[[], object]


@contextmanager
def busy_cores() -> Iterator[None]:
    """Run one busy loop per core during the block. The loops end with this process, also if it is killed."""
    loops = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        time.sleep(_SETTLE_S)
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def slowdown(stage: Stage) -> list[float]:
    """Run a stage once, then return for each round its time on busy cores divided by its time alone."""
    stage()
    ratios = []
    for _ in range(ROUNDS):
        alone = seconds(stage)
        with busy_cores():
            ratios.append(seconds(stage) / alone)
    return ratios


def _line(name: str, ratios: list[float]) -> None:
    middle = statistics.median(ratios)
    over = f", OVER the limit of {LIMIT:.0f}" if middle > LIMIT else ""
    title = f"{name}, with a busy loop on every core, against alone"
    print(f"{title:58} {middle:5.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f}){over}", flush=True)


def _slice(source: Path, target: Path, rows: int) -> Path:
    """Write the first `rows` lines of a file into another file, and return its path."""
    with source.open(encoding="utf-8") as lines:
        target.write_text("".join(islice(lines, rows)), encoding="utf-8")
    return target


def _section(section: type[SectionT], **changes: object) -> SectionT:
    return load_section(section).model_copy(update=changes)


def _ingest(folder: Path) -> Stage:
    sources = [FolderSource(type="folder", name=name, path=name) for name in ("codetune", "tests")]
    return partial(ingest.run, _section(IngestParams, sources=sources), ingest.Outputs(folder / "raw"))


def _clean(folder: Path) -> Stage:
    raw, cleaned = folder / "synthetic", folder / "clean"
    synthetic.write(raw, _SYNTHETIC_ROWS)
    return partial(clean.run, _section(CleanParams), clean.Inputs(raw), clean.Outputs(cleaned, cleaned / "counts.json"))


def _augment(folder: Path) -> Stage:
    rows, test = (_slice(_DATA / f"{split}.jsonl", folder / f"{split}.jsonl", 80) for split in ("train", "test"))
    names = ("augmented.jsonl", "reworded.jsonl", "ledger.parquet", "augmentation.json", "similarities.json")
    written = augment.Outputs(*(folder / name for name in names))
    return partial(augment.run, _section(AugmentParams), augment.Inputs(rows, test, _LEDGER), written)


def _examine(folder: Path) -> Stage:
    held_out = [_slice(_DATA / f"{split}.jsonl", folder / f"{split}.jsonl", 80) for split in ("val", "test")]
    params = examine.Params(_section(ExamineParams), (), _section(NumericsParams))
    read = examine.Inputs(folder / "augmented.jsonl", *held_out)
    return partial(examine.run, params, read, examine.Outputs(folder / "leaks.json"))


def _train(folder: Path) -> Stage:
    params = train.Params(
        _section(TrainParams, max_rows=64, max_val_rows=16), _section(ModelParams), _section(NumericsParams)
    )
    read = train.Inputs(folder / "augmented.jsonl", folder / "val.jsonl")
    return partial(
        train.run, params, read, train.Outputs(folder / "adapter", folder / "training", folder / "checkpoints")
    )


def _generate(folder: Path) -> Stage:
    options = _section(GenerateParams, max_prompts=32, reworded_prompts=0, max_new_tokens=48)
    none = _slice(_SAMPLES / "base.reworded.jsonl", folder / "none.jsonl", 0)
    read = generate.Inputs(
        test=folder / "test.jsonl",
        problems=none,
        benchmarks=folder / "no_benchmarks",
        reworded=none,
        adapter=folder / "adapter",
    )
    written = generate.Outputs(folder / "samples", folder / "journals")
    return partial(
        generate.run, generate.Params(options, _section(ModelParams), _section(NumericsParams)), read, written, "tuned"
    )


def _score(folder: Path) -> Stage:
    base, tuned = (_slice(_SAMPLES / f"{name}.jsonl", folder / f"{name}.jsonl", 24) for name in ("base", "tuned"))
    reworded = _slice(_SAMPLES / "base.reworded.jsonl", folder / "none.jsonl", 0)
    options = _section(ScoreParams, bootstrap_samples=1000)
    few = options.bertscore.model_copy(update={"baseline_pairs": 800})
    params = score.Params(options.model_copy(update={"bertscore": few}), _section(NumericsParams), "fenced")
    read = score.Inputs(
        base, tuned, reworded, reworded, reworded, reworded, folder / "benchmarks", _DATA / "problems.jsonl"
    )
    written = score.Outputs(*(folder / name for name in ("scores", "metrics", "signatures", "scoring")))
    return partial(score.run, params, read, written)


def _export(folder: Path) -> Stage:
    params = export.Params(_section(ExportParams), _section(ModelParams), read_params())
    read = export.Inputs(folder / "adapter", folder / "val.jsonl")
    return partial(export.run, params, read, export.Outputs(folder / "export"))


STAGES = (_ingest, _clean, _augment, _examine, _train, _generate, _score, _export)


def busy() -> None:
    """Measure all stages, in the order of the pipeline."""
    with tempfile.TemporaryDirectory() as name:
        for prepare in STAGES:
            _line(prepare.__name__.strip("_"), slowdown(prepare(Path(name))))


if __name__ == "__main__":
    numerics.fix()
    busy()
