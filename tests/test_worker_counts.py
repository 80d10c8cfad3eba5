"""The same bytes with one worker and with three: every stage that shares its work out, one after the other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codetune.core import survival, workers
from codetune.data.augment import rows as augmentation_rows
from codetune.data.clean import verdicts
from codetune.data.ingest import harvest
from codetune.data.ingest.params import IngestParams
from codetune.evaluation.execution import trials
from stages import augment, clean, execute, ingest
from tests.conftest import digests
from tests.data.augment.conftest import make_params
from tests.data.ingest.test_folder import write
from tests.stages import test_execute, test_score
from tests.stages.test_clean import NOUNS, VERBS, WHOLE, whole_function
from tests.stages.test_execute import inputs as asked  # noqa: F401


@pytest.fixture
def sources(tmp_path: Path) -> list[dict[str, Any]]:
    """Two folders of small packages, the functions of the first one held out; some files cannot be read."""
    found = []
    for name, nouns in (("held-out", NOUNS[:1]), ("packages", NOUNS[1:])):
        files: dict[str, str] = {}
        for noun in nouns:
            numbered = enumerate(VERBS, 8 * NOUNS.index(noun))
            files |= {f"{noun}/{verb}.py": whole_function(verb, noun, number) for number, verb in numbered}
            files[f"{noun}/broken.py"] = "def f(:"
        write(tmp_path / name, files)
        found.append({"type": "folder", "name": name, "path": str(tmp_path / name), "license": "MIT"})
    return found


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many workers each pool of processes had; chunks are small, so that there is work for several."""
    for module, name, size in (
        (harvest, "_CHUNK_BYTES", 300),
        (verdicts, "CHUNK_ROWS", 8),
        (clean, "CHUNK_ROWS", 8),
        (augmentation_rows, "_CHUNK_ROWS", 2),
    ):
        monkeypatch.setattr(module, name, size)
    counts: list[int] = []
    known = workers.worker_pool
    for module in (workers, survival):
        monkeypatch.setattr(module, "worker_pool", lambda count: (counts.append(count), known(count))[1])
    return counts


def made(sources: list[dict[str, Any]], folder: Path, count: int) -> None:
    """Write what ingest, clean and augment make of the sources."""
    ingest.run(
        IngestParams.model_validate({"sources": sources, "max_file_kb": 64, "workers": count}),
        ingest.Outputs(raw=folder / "raw"),
    )
    clean.run(
        WHOLE.model_copy(update={"workers": count}),
        clean.Inputs(raw=folder / "raw", reviews=folder / "reviews.jsonl"),
        clean.Outputs(clean=folder / "clean", counts=folder / "counts.json"),
    )
    written = folder / "augmented"
    augment.run(
        make_params(share=1.0, workers=count),
        augment.Inputs(*(folder / "clean" / name for name in ("train.jsonl", "test.jsonl", "ledger.parquet"))),
        augment.Outputs(
            *(written / name for name in ("train.jsonl", "test.jsonl", "ledger.parquet", "report.json", "plots"))
        ),
    )


def test_data_have_the_same_bytes_with_one_worker_and_with_three(
    sources: list[dict[str, Any]], pools: list[int], tmp_path: Path
) -> None:
    found = []
    for count in (1, 3):
        made(sources, tmp_path / str(count), count)
        found.append(digests(tmp_path / str(count)))
    assert found[0] == found[1]
    assert {Path(name).parts[0] for name in found[0]} == {"raw", "clean", "augmented", "counts.json"}
    # Of ingest two sources, which are never parsed in this process; of clean its filters; of augment train and test.
    assert pools == [1, 1, *[3] * 5]
    assert (tmp_path / "1/clean/problems.jsonl").stat().st_size
    assert (tmp_path / "1/augmented/train.jsonl").stat().st_size > (tmp_path / "1/clean/train.jsonl").stat().st_size


def test_scores_have_the_same_bytes_with_one_thread_and_with_three(
    instruction_rows: list[dict[str, Any]], threads: Callable[[int], None], tmp_path: Path
) -> None:
    inputs = test_score.write_inputs(tmp_path, instruction_rows)
    found = []
    for count in (1, 3):
        threads(count)
        test_score.run(inputs, tmp_path / str(count))  # each keeps what it computes in a folder of its own
        found.append(digests(tmp_path / str(count)))
    assert found[0] == found[1]
    assert len(found[0]) == 4


@pytest.mark.usefixtures("any_isolation")
def test_verdicts_have_the_same_bytes_with_one_worker_and_with_three(
    asked: execute.Inputs,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    found = []
    for count in (1, 3):
        monkeypatch.setattr(trials, "cores", lambda count=count: count)
        execute.run(test_execute.PARAMS, asked, execute.Outputs(tmp_path / str(count)))
        found.append(digests(tmp_path / str(count)))
    assert found[0] == found[1]
    assert len(found[0]) == 2
