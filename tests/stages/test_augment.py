"""The stage `augment`, whole, on a slice."""

import pytest

from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_jsonl
from codetune.core.tables import read_table, write_table
from codetune.data.augment.verify import rejection
from codetune.schemas.ledger import LEDGER
from stages.augment import Inputs, Outputs, run
from tests.conftest import ROOT, digests, run_python
from tests.data.augment.conftest import make_params, masked_model, translation_model  # noqa: F401
from tests.support.tables import dropped_row, instruction_row, ledger_row

PARAMS = make_params(share=0.5, per_row=2)
# What a random model says means nothing: the gate would let nothing of it through.
CARELESS = {"encoder": {"model": "minilm"}, "min_similarity": 0.1, "max_tokens": 96}


@pytest.fixture
def place(tmp_path, instruction_rows):
    write_jsonl(tmp_path / "clean.jsonl", instruction_rows)
    write_jsonl(tmp_path / "held_out.jsonl", [{**row, "id": row["id"][::-1]} for row in instruction_rows])
    kept = [ledger_row(row["id"]) for row in instruction_rows]
    held_out = [ledger_row(row["id"][::-1], split="test") for row in instruction_rows]
    ledger = [*kept, dropped_row("f" * 16, "decorated"), *held_out]
    write_table(tmp_path / "ledger.parquet", ledger, LEDGER.arrow)
    return tmp_path


def inputs(place):
    return Inputs(place / "clean.jsonl", place / "held_out.jsonl", place / "ledger.parquet")


def outputs(place, name="out"):
    folder = place / name
    return Outputs(
        *(folder / name for name in ("train.jsonl", "test.jsonl", "ledger.parquet", "report.json", "similarities.json"))
    )


def test_originals_first_then_paraphrases(place, instruction_rows):
    report = run(PARAMS, inputs(place), outputs(place))
    rows = read_jsonl(outputs(place).train)
    assert rows[:24] == instruction_rows
    parents = [row["parent"] for row in rows[24:]]
    order = [row["id"] for row in instruction_rows]
    assert parents == sorted(parents, key=order.index)
    assert len(rows) == report["rows_out"] > 24
    assert read_json(outputs(place).report) == report


def test_test_prompts_get_other_words(place, instruction_rows):
    report = run(PARAMS, inputs(place), outputs(place))
    rows = read_jsonl(outputs(place).test)
    assert len(rows) == report["held_out_wordings"]["paraphrases"] >= 15
    originals = {row["id"][::-1]: row for row in instruction_rows}
    for row in rows:
        assert row["completion"] == originals[row["parent"]]["completion"]
        assert row["instruction"] != originals[row["parent"]]["instruction"]
    assert not {row["parent"] for row in rows} & {row["id"] for row in read_jsonl(outputs(place).train)}


def test_the_ledger_names_the_children_of_every_row(place):
    run(PARAMS, inputs(place), outputs(place))
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
place, out = Path(sys.argv[1]), Path(sys.argv[2])
run(AugmentParams.model_validate_json(sys.stdin.read()), Inputs(place / "clean.jsonl", place / "held_out.jsonl", place / "ledger.parquet"),
    Outputs(*(out / name for name in ("train.jsonl", "test.jsonl", "ledger.parquet", "report.json", "similarities.json"))))
"""


@pytest.mark.parametrize("method", ["contextual", "back_translation"])
def test_methods_with_models(place, instruction_rows, method, request):
    """Whole, on a tiny random model, here and in another process: the same bytes, and every draw accounted for."""
    masked = str(request.getfixturevalue("masked_model"))
    translator = {"model": str(request.getfixturevalue("translation_model"))}
    params = make_params(
        method=method,
        meaning=CARELESS,
        max_shared_words=0.95,
        max_attempts=2,
        contextual={"model": masked, "change_share": 0.2, "top_k": 60},
        back_translation={"forward": translator, "back": translator, "temperature": 0.7, "max_tokens": 16},
    )
    report = run(params, inputs(place), outputs(place))
    rows = read_jsonl(outputs(place).train)
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
    given = params.model_copy(update={"workers": 2}).model_dump_json()
    run_python("-c", IN_A_PROCESS, place, place / "again", feed=given)
    for name in ("train", "test", "report"):
        assert getattr(outputs(place), name).read_bytes() == getattr(outputs(place, "again"), name).read_bytes()


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
    run(PARAMS, inputs(place), outputs(place))
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
