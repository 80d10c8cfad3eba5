"""The clean stage whole, on rows made here."""

import json
import random

import pytest

from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_jsonl
from codetune.core.tables import read_table, write_table
from codetune.python_source.functions import functions_or_reason
from codetune.schemas.raw import RAW_FILES, RAW_ROWS
from stages import clean
from tests.support.clean_params import clean_params
from tests.support.tables import pair_row, raw_row, source_file

PARAMS = clean_params()
SPLITS = ("train", "val", "test")


def code(name: str, group: int, number: int) -> str:
    words = "\n".join(
        f"    {name}_{group}_{number}_{step} = pick_{group}_{number}(values, {step})" for step in range(6)
    )
    return f'def {name}(values):\n    """Return value {name} of group {group}."""\n{words}\n    return {name}_{group}_{number}_5'


def row(group: int, number: int, text: str | None = None) -> dict:
    name, package = f"compute{number}", f"pkg{group}"
    place = {"group": package, "package": package, "path": f"{package}/mod{number}.py", "qualname": name}
    docstring = f"Return value {name} of group {group}."
    return raw_row(f"{group:08}{number:08}", **place, docstring=docstring, code=text or code(name, group, number))


@pytest.fixture
def raw(tmp_path):
    rows = [row(group, number) for group in range(12) for number in range(4)]
    rows.append(row(0, 90, code("compute0", 0, 0)))
    rows.append(row(1, 91, code("compute1", 1, 1).replace("(values, 3)", "(values, -3)")))
    rows.append(row(3, 93, code("compute1", 3, 1).replace("compute1", "reckon").replace(", 3)", ", 7)")))
    rows.append(row(2, 92, "def broken(:"))
    write_table(tmp_path / "raw/rows.parquet", rows, RAW_ROWS.arrow)
    return tmp_path


def run(folder, params=PARAMS):
    outputs = clean.Outputs(clean=folder / "clean", counts=folder / "counts.json")
    return clean.run(params, clean.Inputs(raw=folder / "raw", reviews=folder / "reviews.jsonl"), outputs)


def test_rows_that_reviewers_read_are_completed_and_dropped_as_they_said(raw):
    before = run(raw)
    one, other, *_ = (row["id"] for row in read_jsonl(raw / "clean/train.jsonl"))
    said = "Values are counted from 1."
    lines = [
        {"id": one, "verdict": "complete", "text": said},
        {"id": other, "verdict": "drop", "text": "it counts from 0"},
        {"id": "f" * 16, "verdict": "keep", "text": ""},
    ]
    write_jsonl(raw / "reviews.jsonl", lines)
    report = run(raw)
    rows = {row["id"]: row for split in SPLITS for row in read_jsonl(raw / f"clean/{split}.jsonl")}
    assert rows[one]["instruction"].endswith(f". {said}")
    assert other not in rows
    [line] = [row for row in read_table(raw / "clean/ledger.parquet") if row["id"] == other]
    assert (line["verdict"], line["reason"], line["found"]) == ("drop", "reviewed", "it counts from 0")
    assert report["kept"] == before["kept"] - 1
    assert report["reviews"] == {"read": 0, "completed": 1, "unread": report["kept"] - 1, "without_row": 1}
    assert run(raw, PARAMS.model_copy(update={"reviews": False})) == before


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdict": "maybe"}, r"verdict is 'maybe', expected keep, complete or drop"),
        ({"verdict": "complete"}, r"text is '', expected text if the verdict is complete or drop, else an empty text"),
        ({"text": "why"}, r"text is 'why', expected text if the verdict is complete or drop, else an empty text"),
        ({"id": "7"}, r"id is '7', expected 16 lower-case hexadecimal digits"),
    ],
)
def test_a_bad_line_of_the_reviews_is_named(raw, change, problem):
    write_jsonl(raw / "reviews.jsonl", [{"id": "a" * 16, "verdict": "keep", "text": ""} | change])
    with pytest.raises(UserError, match=rf"reviews.jsonl:1 .*{problem}. Fix or delete that line."):
        run(raw)


def test_every_row_is_accounted_for(raw):
    report = run(raw)
    ledger = read_table(raw / "clean/ledger.parquet")
    assert len(ledger) == report["raw"] == 52
    assert report["kept"] + sum(report["dropped"].values()) == 52
    assert report["dropped"] == {
        "exact_duplicate": 1, "near_duplicate": 1, "renamed_duplicate": 1, "syntax_error": 1,
    }  # fmt: skip
    near = next(row for row in ledger if row["reason"] == "near_duplicate")
    assert near["matched"] in {row["id"] for row in ledger if row["reason"] == "keep"}
    assert 0.7 <= near["similarity"] < 1
    assert read_json(raw / "counts.json") == json.loads(json.dumps(report))


def test_solutions_of_benchmarks_are_taken_out_of_train_alone(raw):
    run(raw)
    solutions = {split: read_jsonl(raw / f"clean/{split}.jsonl")[0] for split in ("train", "test")}
    tasks = [{"task_id": split, "text": "Say.", "code": row["completion"]} for split, row in solutions.items()]
    write_jsonl(raw / "tasks.jsonl", tasks)
    report = run(raw, PARAMS.model_copy(update={"benchmarks": [str(raw / "tasks.jsonl")]}))
    assert report["dropped"]["benchmark"] == 1
    ledger = {row["id"]: row for row in read_table(raw / "clean/ledger.parquet")}
    dropped, kept = (ledger[solutions[split]["id"]] for split in ("train", "test"))
    assert (dropped["reason"], dropped["found"], dropped["similarity"]) == ("benchmark", "train", None)
    assert kept["verdict"] == "keep"


def test_no_group_and_no_file_leaks(raw):
    report = run(raw)
    splits = {split: read_jsonl(raw / f"clean/{split}.jsonl") for split in ("train", "val", "test")}
    groups = {split: {row["group"] for row in rows} for split, rows in splits.items()}
    assert all(groups.values())
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    assert not groups["val"] & groups["test"]
    assert report["splits"] == {split: len(rows) for split, rows in splits.items()}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("", "near_duplicate_instruction"),
        ("values, key", "keep"),  # as similar an instruction, and other code
    ],
)
def test_near_instructions_are_duplicates_where_the_code_is_similar(raw, changed, reason):
    rows = read_table(raw / "raw/rows.parquet")
    said = (
        "Return the value that stands at the end of the list of all values which the group has, or what it began with."
    )
    first, second = rows[20], dict(rows[20])
    text = first["code"].replace(first["docstring"], said)
    # With one of six lines changed the code is similar, under the threshold for code alone.
    other = (
        text.replace("(values, 2)", "[values] + [2]") if not changed else text.replace("(values, ", "[values] + (1, ")
    )
    first |= {"docstring": said, "code": text}
    second |= {"id": "f" * 16, "docstring": said.replace("or what", "or else what"), "code": other}
    write_table(raw / "raw/rows.parquet", [*rows, second], RAW_ROWS.arrow)
    run(raw)
    ledger = {row["id"]: row for row in read_table(raw / "clean/ledger.parquet")}
    assert ledger["f" * 16]["reason"] == reason


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*(folder / "clean").iterdir(), folder / "counts.json"]}


def test_same_bytes_for_any_number_of_workers_and_any_order_of_rows(raw, monkeypatch):
    monkeypatch.setattr(clean, "CHUNK_ROWS", 8)  # so that there is work for several processes
    monkeypatch.setattr("codetune.data.clean.verdicts.CHUNK_ROWS", 8)
    run(raw)
    expected = contents(raw)
    assert set(expected) == {
        "train.jsonl",
        "val.jsonl",
        "test.jsonl",
        "problems.jsonl",
        "ledger.parquet",
        "counts.json",
    }
    run(raw, PARAMS.model_copy(update={"workers": 2}))
    assert contents(raw) == expected
    rows = read_table(raw / "raw/rows.parquet")
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        write_table(raw / "raw/rows.parquet", rows, RAW_ROWS.arrow)
        run(raw)
        assert contents(raw) == expected


def test_ledger_and_splits_are_by_row_id(raw):
    run(raw)
    ledger = [row["id"] for row in read_table(raw / "clean/ledger.parquet")]
    train = [row["id"] for row in read_jsonl(raw / "clean/train.jsonl")]
    assert ledger == sorted(ledger)
    assert train == sorted(train)
    assert len(train) > 20


def test_too_little_data_is_named_and_leaves_the_outputs_as_they_were(raw):
    run(raw)
    expected = contents(raw)
    with pytest.raises(UserError, match=r"split train would be empty: 0 rows"):
        run(raw, PARAMS.model_copy(update={"min_tokens": 190}))
    assert contents(raw) == expected


def pair(number: int) -> dict:
    nouns = ("house", "river", "cloud", "stone", "garden", "winter", "letter", "mirror", "bridge", "candle")
    asked = f"The {nouns[number % 10]} of the {nouns[number // 10]} is number {number}"
    return pair_row(id=f"{number:016}", group=f"t/{number % 40}", instruction=asked, completion=asked[::-1])


def test_one_bilingual_table_fills_three_splits(tmp_path):
    rows = [pair(number) for number in range(100)]
    write_table(tmp_path / "raw/rows.parquet", rows, RAW_ROWS.arrow)
    report = run(tmp_path, PARAMS.model_copy(update={"task": "text"}))
    assert report["kept"] == 100
    assert all(count >= 10 for count in report["splits"].values())
    kept = [row for split in ("train", "val", "test") for row in read_jsonl(tmp_path / f"clean/{split}.jsonl")]
    assert {(row["instruction"], row["completion"]) for row in kept} == {
        (r["instruction"], r["completion"]) for r in rows
    }
    with pytest.raises(UserError, match="split train would be empty: 0 rows"):
        run(tmp_path, PARAMS)


VERBS = ("join", "merge", "scale", "filter", "rank", "pair", "split", "weigh")
MORE_VERBS = ("carry", "drop", "lend", "mark", "note", "open")
NOUNS = ("apples", "birches", "cedars", "daisies", "elders", "figs", "grapes", "hazels", "irises", "junipers")


def whole_function(verb: str, noun: str, number: int) -> str:
    """A function that no other number gives, whatever its names and constants are."""
    signs = [("+", "-", "*", "//")[number // 4**place % 4] for place in range(4)]
    steps = "\n".join(
        f"    {verb}{step} = values[{step}] {signs[step]} {number + step + 1} + len({verb!r})" for step in range(4)
    )
    return (
        f'def {verb}_{noun}(values, {noun}):\n    """Return the {noun} that {verb} the most of all {number} values.\n\n'
        f"    >>> {verb}_{noun}([1, 2, 3, 4], 0)[1:]\n    [0, {number}]\n"
        f'    >>> {verb}_{noun}([1, 2, 3, 4], 5)[1:]\n    [5, {number}]\n    """\n'
        f"{steps}\n    return [{verb}0 + {verb}1 + {verb}2 + {verb}3, {noun}, {number}]\n"
    )


@pytest.fixture
def packages(tmp_path):
    """Ten packages of one file each, of which the first is held out; one of them has a function of it as a helper."""
    rows, files = [], []
    for number, noun in enumerate(NOUNS):
        functions = [whole_function(verb, noun, 8 * number + place) for place, verb in enumerate(VERBS)]
        if noun == "birches":  # more than its share
            functions += [whole_function(verb, noun, 80 + place) for place, verb in enumerate(MORE_VERBS)]
        if noun == "cedars":
            helper = whole_function("join", "apples", 0).replace("join_apples", "inner").replace("apples", "kept")
            asking = (
                'def outer(values):\n    """Say which of many things join and remain."""\n    return inner(values, 3)\n'
            )
            functions += [helper, asking]
        if noun == "daisies":
            functions.append(
                'def join_other(values, apples):\n    """Return the apples that join the most of all 0 values."""\n'
                "    found = sorted(values, key=len)\n    return found[:3] + [apples]\n"
            )
        text = "\n\n".join(functions)
        place = {"group": noun, "package": noun, "path": f"{noun}/core.py"}
        files.append(source_file(**place, text=text))
        source = "held-out" if noun == "apples" else "packages"
        first = 99 if noun == "apples" else number  # of equal rows the one with the smallest id would be kept
        for spot, function in enumerate(functions_or_reason(text)):
            rows.append(raw_row(f"{first:08}{spot:08}", source=source, **place, **vars(function)))
    write_table(tmp_path / "raw/rows.parquet", rows, RAW_ROWS.arrow)
    write_table(tmp_path / "raw/files.parquet", files, RAW_FILES.arrow)
    return tmp_path


WHOLE = clean_params(
    context="self_contained", held_out=["held-out"], near_duplicate=0.99, test_share=0.1, val_share=0.1
)


def test_held_out_packages_are_test_and_their_examples_problems(packages):
    report = run(packages, WHOLE)
    problems = read_jsonl(packages / "clean/problems.jsonl")
    test = {row["id"]: row for row in read_jsonl(packages / "clean/test.jsonl")}
    assert report["packages"]["apples"]["split"] == "test"
    assert report["held_out"] == {"problems": 8, "without_examples": {}}
    assert {problem["group"] for problem in problems} == {"apples"}
    for problem in problems:
        assert problem["instruction"] == test[problem["id"]]["instruction"]
        assert [example["shown"] for example in problem["examples"]] == [True, False]
        hidden = problem["examples"][1]["source"]
        assert hidden not in problem["instruction"]
    assert {row["source"] for row in test.values()} >= {"held-out"}


def test_train_gives_no_problem_away(packages):
    run(packages, WHOLE)
    ledger = {row["qualname"]: row for row in read_table(packages / "clean/ledger.parquet")}
    problem = ledger["join_apples"]["id"]
    for name in ("outer", "join_other"):
        row = ledger[name]
        assert (row["reason"], row["matched"]) == ("held_out_problem", problem), name
    assert ledger["outer"]["similarity"] == 1
    # A copy with other names goes, though its id is smaller.
    assert (ledger["inner"]["reason"], ledger["inner"]["matched"]) == ("renamed_duplicate", problem)


def test_no_package_has_more_than_its_share(packages):
    report = run(packages, WHOLE.model_copy(update={"max_package_share": 0.15}))
    assert report["dropped"]["package_share"] > 0
    train = [row["group"] for row in read_jsonl(packages / "clean/train.jsonl")]
    assert max(map(train.count, train)) <= 0.15 * len(train)
    ledger = read_table(packages / "clean/ledger.parquet")
    assert len(ledger) == report["raw"] == report["kept"] + sum(report["dropped"].values())


def test_self_contained_rows_have_the_same_bytes_for_any_number_of_workers(packages, monkeypatch):
    monkeypatch.setattr(clean, "CHUNK_ROWS", 8)
    monkeypatch.setattr("codetune.data.clean.verdicts.CHUNK_ROWS", 8)
    run(packages, WHOLE)
    expected = contents(packages)
    rows = read_table(packages / "raw/rows.parquet")
    random.Random(0).shuffle(rows)
    write_table(packages / "raw/rows.parquet", rows, RAW_ROWS.arrow)
    run(packages, WHOLE.model_copy(update={"workers": 2}))
    assert contents(packages) == expected


def test_a_held_out_source_without_rows_is_named(packages):
    with pytest.raises(
        UserError, match=r"clean.held_out names 'other', expected a source that has rows: held-out, packages"
    ):
        run(packages, WHOLE.model_copy(update={"held_out": ["other"]}))
