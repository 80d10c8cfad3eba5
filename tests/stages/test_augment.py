"""The stage `augment`, whole, on a slice."""

import json
import shutil

import pytest

from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_jsonl
from codetune.core.tables import read_table, write_table
from codetune.data.augment.verify import rejection
from codetune.schemas.ledger import LEDGER
from stages.augment import Inputs, Outputs, run
from tests.conftest import ROOT, ROWS_FILE, digests, run_python
from tests.data.augment.conftest import make_params, masked_model, translation_model  # noqa: F401
from tests.support.tables import dropped_row, instruction_row, ledger_row

PARAMS = make_params(share=0.5, per_row=2)
# What a random model says means nothing: the gate would let nothing of it through.
CARELESS = {"encoder": {"model": "minilm"}, "min_similarity": 0.1, "max_tokens": 96}


def write_inputs(folder):
    rows = read_jsonl(ROWS_FILE)
    write_jsonl(folder / "clean.jsonl", rows)
    write_jsonl(folder / "held_out.jsonl", [{**row, "id": row["id"][::-1]} for row in rows])
    kept = [ledger_row(row["id"]) for row in rows]
    held_out = [ledger_row(row["id"][::-1], split="test") for row in rows]
    ledger = [*kept, dropped_row("f" * 16, "decorated"), *held_out]
    write_table(folder / "ledger.parquet", ledger, LEDGER.arrow)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run with `PARAMS`, which no test changes, and what `run` returned."""
    folder = write_inputs(tmp_path_factory.mktemp("augment"))
    return folder, run(PARAMS, inputs(folder), outputs(folder))


@pytest.fixture
def place(finished, tmp_path):
    """A copy of that folder, which the test may change."""
    return shutil.copytree(finished[0], tmp_path / "place")


def inputs(place):
    return Inputs(place / "clean.jsonl", place / "held_out.jsonl", place / "ledger.parquet")


def outputs(place, name="out"):
    folder = place / name
    return Outputs(
        *(folder / name for name in ("train.jsonl", "test.jsonl", "ledger.parquet", "report.json", "similarities.json"))
    )


def test_originals_first_then_paraphrases(finished, instruction_rows):
    place, report = finished
    rows = read_jsonl(outputs(place).train)
    assert rows[:24] == instruction_rows
    parents = [row["parent"] for row in rows[24:]]
    order = [row["id"] for row in instruction_rows]
    assert parents == sorted(parents, key=order.index)
    assert len(rows) == report["rows_out"] > 24
    assert read_json(outputs(place).report) == report


def test_test_prompts_get_other_words(finished, instruction_rows):
    place, report = finished
    rows = read_jsonl(outputs(place).test)
    assert len(rows) == report["held_out_wordings"]["paraphrases"] >= 15
    originals = {row["id"][::-1]: row for row in instruction_rows}
    for row in rows:
        assert row["completion"] == originals[row["parent"]]["completion"]
        assert row["instruction"] != originals[row["parent"]]["instruction"]
    assert not {row["parent"] for row in rows} & {row["id"] for row in read_jsonl(outputs(place).train)}


def test_the_ledger_names_the_children_of_every_row(finished):
    place = finished[0]
    before, after = read_table(place / "ledger.parquet"), read_table(outputs(place).ledger)
    assert [{**row, "children": None} for row in after] == [{**row, "children": None} for row in before]
    paraphrases = [row for row in read_jsonl(outputs(place).train) if row["parent"]] + read_jsonl(outputs(place).test)
    assert len(paraphrases) > 15
    pairs = {(row["id"], child) for row in after for child in row["children"]}
    assert pairs == {(row["parent"], row["id"]) for row in paraphrases}


IN_A_PROCESS = """
import json, sys
from pathlib import Path
from codetune import numerics
numerics.fix(numerics.NumericsParams(mode="portable", threads=1))
from codetune.data.augment.params import AugmentParams
from codetune.schemas.ledger import LEDGER
from codetune.core.tables import read_table, write_table
from stages.augment import Inputs, Outputs, run
place = Path(sys.argv[1])
for method, params in json.load(sys.stdin).items():
    out = place / f"{method} again"
    run(AugmentParams.model_validate(params), Inputs(place / "clean.jsonl", place / "held_out.jsonl", place / "ledger.parquet"),
        Outputs(*(out / name for name in ("train.jsonl", "test.jsonl", "ledger.parquet", "report.json", "similarities.json"))))
"""


@pytest.fixture(scope="module")
def drawn(masked_model, translation_model, tmp_path_factory):  # noqa: F811
    """Run both methods on tiny random models, here and in another process with two workers.

    :returns: the folder, and the reports by method.
    """
    folder = write_inputs(tmp_path_factory.mktemp("methods"))
    translator = {"model": str(translation_model)}
    params = {
        method: make_params(
            method=method,
            meaning=CARELESS,
            max_shared_words=0.95,
            max_attempts=2,
            contextual={"model": str(masked_model), "change_share": 0.2, "top_k": 60},
            back_translation={"forward": translator, "back": translator, "temperature": 0.7, "max_tokens": 16},
        )
        for method in ("contextual", "back_translation")
    }
    reports = {method: run(section, inputs(folder), outputs(folder, method)) for method, section in params.items()}
    given = {
        method: section.model_copy(update={"workers": 2}).model_dump(mode="json") for method, section in params.items()
    }
    run_python("-c", IN_A_PROCESS, folder, feed=json.dumps(given))
    return folder, reports


@pytest.mark.parametrize("method", ["contextual", "back_translation"])
def test_methods_with_models(drawn, instruction_rows, method):
    """Every draw is accounted for, and another process writes the same bytes."""
    place, report = drawn[0], drawn[1][method]
    rows = read_jsonl(outputs(place, method).train)
    assert rows[:24] == instruction_rows
    assert report["method"] == method
    assert report["rows_without_paraphrase"] + report["paraphrases"] == report["rows_chosen"] == 24
    assert sum(report["rejected"].values()) >= report["rows_without_paraphrase"]
    if method == "contextual":
        assert report["paraphrases"] > 3
    else:
        assert report["rejected"]["protected_changed"] > 20  # nonsense brings no placeholder back
    originals = {row["id"]: row["instruction"] for row in instruction_rows}
    for row in rows[24:]:
        assert rejection(originals[row["parent"]], row["instruction"]) is None
    for name in ("train", "test", "report"):
        again = getattr(outputs(place, f"{method} again"), name)
        assert getattr(outputs(place, method), name).read_bytes() == again.read_bytes()


def test_no_paraphrases_wanted(place):
    run(PARAMS.model_copy(update={"share": 0.0}), inputs(place), outputs(place))
    assert outputs(place).train.read_bytes() == (place / "clean.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"instruction": None},
            r"clean.jsonl:2 \(bbbb000000000002\): instruction is None, expected text that is not blank",
        ),
        ({"id": 3}, "clean.jsonl:2: id is 3, expected 16 lower-case hexadecimal digits"),
        (
            {"id": "aaaa000000000001"},
            r"clean.jsonl:2 \(aaaa000000000001\): id is also in row 1, expected a unique value",
        ),
    ],
)
def test_bad_rows_are_named_and_outputs_stay(place, changes, named):
    before = digests(place / "out")
    write_jsonl(place / "clean.jsonl", [instruction_row(), instruction_row("bbbb000000000002") | changes])
    with pytest.raises(UserError, match=named):
        run(PARAMS, inputs(place), outputs(place))
    assert digests(place / "out") == before


def test_a_damaged_table_ends_the_command_in_one_line(place):
    folders = {"data/clean": ("train", "test"), "data/augmented": ("train", "test")}
    for folder, names in folders.items():
        (place / folder).mkdir(parents=True)
        for name in names:
            (place / folder / f"{name}.jsonl").write_text("before\n")
    write_jsonl(
        place / "data/clean/train.jsonl", [instruction_row(), instruction_row("bbbb000000000002", lines=[0, 9])]
    )
    (place / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    done = run_python("-m", "stages", "augment", cwd=place, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "error: data/clean/train.jsonl:2 (bbbb000000000002): lines.0 is 0, expected the number of a line, 1 or more. "
        "Run `dvc repro --force --single-item clean` to make it again.\n"
    )
    assert {path.read_text() for path in (place / "data/augmented").iterdir()} == {"before\n"}
    assert not (place / "reports").exists()
