"""A row's life, told from the files that are there."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codetune.core.errors import UserError
from codetune.core.files import write_json, write_jsonl
from codetune.ledger.ledger import LEDGER_PATH
from codetune.ledger.why import why
from tests.ledger.conftest import OLD_COLUMNS, ROWS, write_ledger
from tests.support.tables import SHA256


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ("Tree.load", [
            "from lark 1.2, file lark/core.py, lines 10 to 20. The archive's sha256 is " + SHA256 + ".",
            "licence MIT, because of `License-Expression: MIT`",
            "verdict kept: no rule dropped it. It has 8 lines and 40 tokens of code.",
            "dropped for it 0.84 bbbb000000000003 lark/deep/core.py:10-20 Forest.load dropped, near_duplicate",
            "split train, like all rows of lark: a group is never divided between splits, and 1 of its 4 rows are kept.",
            "asks Write a Python method `load`.",
            "use in data/augmented/train.jsonl, with 1 paraphrase. eeee000000000007 Create `load`.",
        ]),
        ("Tree.dump", [
            "dropped because its code is too long (code_too_long): 91 lines, maximum 60.",
            "split none, because it was dropped; the kept rows of lark are in train.",
            "use none: it is neither trained on nor used as a prompt.",
        ]),
        ("Forest.load", [
            "(near_duplicate): a similarity of 0.84, threshold 0.7.",
            "duplicates a similarity of 0.84: aaaa000000000001 lark/core.py:10-20 Tree.load kept, train",
        ]),
        ("load_all", ["(decorated): found `@cache`."]),
        ("sing", [
            "split test, like all rows of wren",
            "never trained on; one of the prompts that were scored (BERTScore F1: base 0.250, tuned 0.500).",
        ]),
        ("nest", ["never trained on; used to compute the validation loss."]),
        ("eeee0000", ["eeee000000000007 is a paraphrase of aaaa000000000001: row aaaa000000000001 Tree.load"]),
    ],
)  # fmt: skip
def test_every_step_is_told(project, query, sentences):
    told = words(why(project, query))
    for sentence in sentences:
        assert sentence in told


def test_an_ambiguous_query_is_a_short_list(project):
    write_ledger(project / LEDGER_PATH, [ROWS[0] | {"id": f"{number:016x}"} for number in range(13)])
    lines = why(project, "load").splitlines()
    assert lines[0] == "load matches 13 rows; give an id, a longer path, or PATH:LINE:"
    assert lines[1].strip() == "0000000000000000  lark/core.py:10-20  Tree.load  kept, train"
    assert len(lines) == 12
    assert lines[-1].strip() == "… and 3 more"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("Tree.lod", r"no row of data/clean/ledger.parquet matches 'Tree.lod'. Nearest: Tree.load"),
        ("?", r"matches '\?'. Give an id, a path, PATH:LINE or the name of a function."),
    ],
)
def test_nothing_found_is_one_line(project, query, message):
    with pytest.raises(UserError, match=message):
        why(project, query)


def test_missing_files_say_what_to_run(project):
    (project / "data/augmented/train.jsonl").unlink()
    (project / "data/raw/manifest.json").unlink()
    told = words(why(project, "Tree.load"))
    assert "data/augmented/train.jsonl does not exist. Run `dvc pull data/augmented/train.jsonl` or `dvc repro" in told
    assert "sha256" not in told
    (project / LEDGER_PATH).unlink()
    with pytest.raises(
        UserError, match=r"does not exist. Run `dvc pull data/clean/ledger.parquet` .* `dvc repro clean`"
    ):
        why(project, "Tree.load")


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ([{"package": "lark", "version": "1.2", "sha256": SHA256}], True),
        ([{"name": "default", "packages": [{"package": "lark", "version": "1.2", "sha256": SHA256}]}], True),
        ([{"name": "lark", "sha256": SHA256}], True),
        ([{"name": "lark"}], False),
        ([{"package": "lark", "version": "1.3", "sha256": SHA256}], False),
        ([{"package": "larch", "version": "1.2", "sha256": SHA256}], False),
    ],
)
def test_the_archive_is_that_of_package_and_version(project, sources, told):
    write_json(project / "data/raw/manifest.json", {"sources": sources})
    assert (f"sha256 is {SHA256}" in words(why(project, "Tree.load"))) is told


def test_a_training_set_of_another_run_is_noticed(project):
    (project / "data/augmented/train.jsonl").write_text("")
    assert "train.jsonl does not have it, because another run made the file." in words(why(project, "Tree.load"))


@pytest.mark.parametrize(
    ("review", "told"),
    [
        ({"verdict": "keep", "text": ""}, "A reviewer read it and found nothing missing."),
        (
            {"verdict": "complete", "text": "method `load`."},
            "A reviewer read it and added to the instruction: method `load`.",
        ),
        ({"verdict": "complete", "text": "Not in this instruction."}, ""),
    ],
)
def test_what_a_reviewer_found_is_told_where_the_data_hold_it(project, review, told):
    write_jsonl(project / "data/reviews.jsonl", [{"id": "aaaa000000000001"} | review])
    story = words(why(project, "Tree.load"))
    assert (told or "no rule dropped it") in story
    assert ("reviewer" in story) is bool(told)


def test_an_older_ledger_tells_what_it_holds(project):
    write_ledger(project / LEDGER_PATH, ROWS, OLD_COLUMNS)
    told = words(why(project, "Forest.load"))
    assert "from lark, file lark/deep/core.py." in told
    assert "licence not recorded in this ledger" in told
    assert "another row (near_duplicate). duplicates a similarity of 0.84: aaaa000000000001" in told
    assert "`dvc repro clean` writes it again" in told


def test_what_is_no_ledger_is_said(project):
    path = project / LEDGER_PATH
    whole = path.read_bytes()
    tables = {
        "it has no column reason": pa.table({"id": ["1"], "path": ["a"]}),
        "column start_line": pa.table({"id": ["1"], "reason": ["keep"], "start_line": ["first"]}),
        "column path": pa.table({"id": ["1"], "reason": ["keep"], "path": [{"a": 1}]}),
    }
    for message, table in tables.items():
        pq.write_table(table, path)
        with pytest.raises(UserError, match=message):
            why(project, "Tree.load")
    write_ledger(path, [ROWS[0], ROWS[1] | {"split": "test"}])
    with pytest.raises(UserError, match=r"row 2 \(aaaa000000000002\): split is 'test', expected .* Delete it and run"):
        why(project, "Tree.load")
    for content in (b"no parquet", b"", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="is damaged"):
            why(project, "Tree.load")
