"""Every way in which a held-out row can stand in train is found, and nothing else."""

import gzip
import json

import pytest

from codetune.core.errors import UserError
from codetune.core.files import digest_bytes, read_json, write_jsonl
from codetune.data.clean.benchmarks import read_benchmark
from codetune.data.leakage.examine import ComparedRow, TrainIndex, common_shingles, find_leaks
from codetune.data.leakage.params import ExamineParams, SimilarityParams
from codetune.models.encoders.params import EncoderParams
from codetune.numerics import NumericsParams
from stages.examine import Inputs, Outputs, Params, run
from tests.support.tables import instruction_row

SIMILARITY = SimilarityParams(encoder=EncoderParams(model="minilm"), max_tokens=64, min_instruction=0.9, min_code=0.95)
EXAMINE = ExamineParams(
    near_duplicate=0.7, max_exact=0, max_renamed=0, max_near=0, similarity=SIMILARITY, max_similar=0, max_benchmark=0
)
NUMERICS = NumericsParams(mode="portable", threads=1)
PARAMS = Params(EXAMINE, (), NUMERICS)


def allowing(*benchmarks, **limits):
    return Params(EXAMINE.model_copy(update=limits), benchmarks, NUMERICS)


def code(name, words):
    lines = "\n".join(f"    {word} = {word}_of({name}, limit) + {number}" for number, word in enumerate(words))
    return f"def {name}(limit):\n{lines}\n    return [{', '.join(words)}]"


TREES = ["oak", "ash", "elm", "fir", "yew", "bay", "fig", "box", "tea", "nut"]
TRAIN = ComparedRow("t", code("wood", TREES), "Return the wood.")
INDEX = TrainIndex(
    [TRAIN, ComparedRow("p", TRAIN.code, "Give the wood."), ComparedRow("q", "def a():\n    return b", "A.")], 0.7
)


def test_a_frame_that_all_rows_share_is_no_leak():
    """As in the stage `clean`: only what stands in the frame counts, so a copy of that is still found."""
    frame = code("frame", [f"{first}_{second}" for first in TREES for second in TREES[:3]])

    def framed(name, *words):
        return ComparedRow(name, f"{frame}\n\n\n{code(name, [f'{word}_{name}' for word in words])}", name)

    def some(kind):
        return [framed(f"{kind}_{number}", *TREES[number % 5 :]) for number in range(120)]

    index, held_out = TrainIndex(some("row"), 0.7), some("other")
    copy = ComparedRow("copy", some("row")[3].code.replace("fir_row_3_of", "pine_of"), "Another.")
    leaks = find_leaks([*held_out, copy], index, 121, "test", common_shingles(held_out))
    assert [(leak.way, leak.held_out, leak.train) for leak in leaks] == [("near", "copy", "row_3")]


def test_many_copies_of_a_held_out_row_are_leaks():
    """Shingles are common by the held-out rows alone."""
    copies = [ComparedRow(f"t{number}", TRAIN.code.replace("yew_of", f"pear_{number}_of")) for number in range(80)]
    held_out = [TRAIN, ComparedRow("h", code("stone", ["gneiss", "slate", "chalk"]))]
    leaks = find_leaks(held_out, TrainIndex(copies, 0.7), 2, "test", common_shingles(held_out))
    assert [(leak.way, leak.held_out) for leak in leaks] == [("near", "t")]


@pytest.mark.parametrize(
    ("row", "ways"),
    [
        (ComparedRow("h", code("stone", ["gneiss", "slate", "chalk"]), "Return the stone."), set()),
        (ComparedRow("h", TRAIN.code, "Other."), {"exact_code", "renamed", "near"}),
        (ComparedRow("h", "def a(c):\n    return c", "Give the wood."), {"exact_instruction"}),
        (ComparedRow("h", TRAIN.code.replace(" 3\n", " 33\n")), {"renamed", "near"}),
        (ComparedRow("h", TRAIN.code.replace("yew_of", "pear_of")), {"near"}),
        (ComparedRow("h", "no code at all ("), set()),
        (ComparedRow("h", "def z():\n    return b"), {"renamed"}),
    ],
)
def test_ways(row, ways):
    leaks = INDEX.leaks(row)
    assert {leak.way for leak in leaks} == ways
    for leak in leaks:
        assert leak.held_out == "h"
        assert 0.7 <= leak.similarity <= 1


def longer(row, margin="    "):
    """A row's function in a class, beside more."""
    lines = row.code.replace("(limit)", "(self, limit)").split("\n")
    return "class Wood:\n" + "\n".join(f"{margin}{line}" for line in lines) + "\n\n\nprint(Wood().wood(7), len(vars()))"


@pytest.mark.parametrize("change", [("yew_of", "pear_of"), ("yew", "pear"), ("tea =", "cup =")])
def test_a_row_is_found_in_a_longer_one_and_the_other_way_round(change):
    bare, whole = ComparedRow("h", TRAIN.code.replace(*change)), ComparedRow("h", longer(TRAIN).replace(*change))
    assert TrainIndex([ComparedRow("t", longer(TRAIN))], 0.7).leaks(bare), "held-out row in a longer train row"
    assert TrainIndex([TRAIN], 0.7).leaks(whole), "train row in a longer held-out row"
    assert not TrainIndex([ComparedRow("t", code("stone", ["gneiss", "slate", "chalk"]))], 0.7).leaks(whole)


def test_a_helper_of_a_held_out_row_may_stand_in_train():
    helper, asked = code("wood", TREES[:3]), code("stone", [f"{tree}s" for tree in TREES])
    assert TrainIndex([ComparedRow("t", helper)], 0.7).leaks(ComparedRow("h", f"{helper}\n\n\n{asked}")) == []


def test_leak_names_the_row_it_matched():
    (leak,) = find_leaks([ComparedRow("h", "def a(c):\n    return c", "Give the wood.")], INDEX, 1, "test")
    assert leak.train == "p"


def identity(name):
    return digest_bytes(name.encode())[:16]


@pytest.fixture
def inputs(tmp_path):
    def rows(prefix, names):
        return [
            instruction_row(
                identity(f"{prefix}{name}"), completion=code(name, [f"{name}{tree}" for tree in TREES[:4]]),
                instruction=f"Return {name}.",
            )
            for name in names
        ]  # fmt: skip

    paths = Inputs(*(tmp_path / f"{split}.jsonl" for split in ("train", "val", "test")))
    write_jsonl(paths.train, rows("t", ["copper", "tin", "zinc"]))
    write_jsonl(paths.val, rows("v", ["gold"]))
    write_jsonl(paths.test, rows("e", ["lead", "iron"]))
    return paths


def add(path, completion, instruction):
    with path.open("a") as stream:
        row = instruction_row(identity("leak"), completion=completion, instruction=instruction)
        stream.write(json.dumps(row) + "\n")


def test_clean_data_pass(inputs, tmp_path):
    report = run(PARAMS, inputs, Outputs(tmp_path / "leaks.json"))
    assert report == read_json(tmp_path / "leaks.json")
    assert report["train_rows"] == 3
    expected = {"rows": 2, "exact_code": 0, "exact_instruction": 0, "renamed": 0, "near": 0, "similar": 0, "leaks": []}
    assert report["test"] == expected
    assert report["val"] == expected | {"rows": 1}


@pytest.mark.parametrize("split", ["val", "test"])
def test_leak_ends_the_pipeline_and_is_named(inputs, tmp_path, split):
    add(getattr(inputs, split), "def f():\n    return 1", "Return tin.")
    with pytest.raises(
        UserError, match=rf"exact: 1 held-out rows, at most 0 allowed \({identity('leak')} is {identity('ttin')}\)"
    ):
        run(PARAMS, inputs, Outputs(tmp_path / "leaks.json"))
    assert not (tmp_path / "leaks.json").exists()
    allowed = allowing(max_exact=1)
    report = run(allowed, inputs, Outputs(tmp_path / "leaks.json"))
    assert report[split]["exact_instruction"] == 1
    assert report[split]["leaks"] == [
        {"way": "exact_instruction", "held_out": identity("leak"), "train": identity("ttin"), "similarity": 1.0}
    ]


def test_renamed_row_counts_as_such(inputs, tmp_path):
    other = (
        code("tin", [f"tin{tree}" for tree in TREES[:4]]).replace("tinoak =", "acorn =").replace("[tinoak", "[acorn")
    )
    add(inputs.test, other, "Say.")
    with pytest.raises(
        UserError,
        match=rf"train: renamed: 1 held-out rows, at most 0 allowed \({identity('leak')} is {identity('ttin')}\)",
    ):
        run(PARAMS, inputs, Outputs(tmp_path / "leaks.json"))


HUMANEVAL = {"task_id": "HumanEval/0", "prompt": 'def f():\n    """Say."""\n', "canonical_solution": "    return b\n"}
MBPP = {"task_id": 7, "text": "Return b.", "code": "def f():\n    return b\n"}


@pytest.mark.parametrize("task", [HUMANEVAL, MBPP])
def test_benchmarks_are_looked_for(inputs, tmp_path, task):
    path = tmp_path / "tasks.jsonl.gz"
    with gzip.open(path, "wt") as stream:
        stream.write(json.dumps(task) + "\n\n")
    add(inputs.train, "def g():\n    return b", "B.")
    with pytest.raises(UserError, match=f"at most 0 allowed .{task['task_id']} is {identity('leak')}"):
        run(allowing(str(path)), inputs, Outputs(tmp_path / "leaks.json"))
    report = run(allowing(str(path), max_benchmark=1), inputs, Outputs(tmp_path / "leaks.json"))
    assert report["tasks.jsonl.gz"]["renamed"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("{", ":1 is not JSON"),
        ('{"task_id": 1, "code": "x"}\n{"task_id": 2}', ":2 is not a benchmark task"),
        ("[]", "contains no task"),
        ("[1]", ", item 1 is not a benchmark task"),
    ],
)
def test_broken_benchmark_is_named(tmp_path, content, message):
    path = tmp_path / "tasks.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_benchmark(path)


def test_damaged_archive_is_named(tmp_path):
    path = tmp_path / "tasks.jsonl.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(UserError, match=r"tasks\.jsonl\.gz:1 is not JSON"):
        read_benchmark(path)
    path.write_bytes(gzip.compress(b"x" * 1000)[:-9])
    with pytest.raises(UserError, match=r"tasks\.jsonl\.gz cannot be read"):
        read_benchmark(path)
