"""A corpus with known faults, through ingest, clean and examine: each is found with its reason, the innocent are kept."""

import json
from collections import Counter

import pytest

from benchmarks.synthetic import COPIES, PERIOD, rows
from codetune.core.files import read_json, read_jsonl
from codetune.core.tables import read_table
from codetune.data.ingest.params import IngestParams
from codetune.data.leakage.params import ExamineParams, SimilarityParams
from codetune.models.encoders.params import EncoderParams
from codetune.numerics import NumericsParams
from stages import clean, examine, ingest
from tests.support.clean_params import clean_params

INNOCENT = [row for number, row in enumerate(rows(1250)) if number % PERIOD not in COPIES][:1000]
PARAMS = clean_params(min_docstring_words=2, test_share=0.1, val_share=0.1)
KEY = "AKIA" + "IOSFODNN7REALKEY"
BODY = "    first = pick_{0}(values, 1)\n    second = weigh_{0}(first, values)\n    total = first + second\n    return total\n"


def function(name, said="Weigh what is picked of the values.", body=BODY, head="(values)", before=""):
    return f'{before}def {name}{head}:\n    """{said}"""\n{body.format(name)}\n'


LONG = "".join(f"    step_{number} = take_{number}(values)\n" for number in range(40)) + "    return step_1\n"
# The reason that each function must be dropped for, by the path it is planted at.
PLANTED = {
    "p0/tests/a.py": ("test_code", function("planted0")),
    "p0/_vendor/b.py": ("vendored", function("planted1")),
    "p0/c_pb2.py": ("generated", function("planted2")),
    "p0/d.py": ("dunder", function("__planted__")),
    "p0/e.py": ("docstring_too_short", function("planted3", "Weigh.")),
    "p0/f.py": ("docstring_too_long", function("planted4", "weigh " * 31)),
    "p0/g.py": ("docstring_not_english", function("planted5", "взвесить то что выбрано")),
    "p0/h.py": ("docstring_of_identifiers", function("planted6", "Weigh a_b c_d e_f.")),
    "p0/i.py": ("docstring_url", function("planted7", "Weigh as in https://example.org says.")),
    "p0/j.py": ("docstring_question", function("planted8", "Is there something to weigh?")),
    "p0/k.py": ("docstring_markup", function("planted9", ">>> weigh the values now")),
    "p1/a.py": ("decorated", function("planted10", before="@cached\n")),
    "p1/b.py": ("unfinished_or_deprecated", function("planted11", body="    # TODO: mend\n" + BODY)),
    "p1/c.py": ("takes_nothing", function("planted12", head="()")),
    "p1/d.py": ("returns_nothing", function("planted13", body=BODY.replace("return total", "return None"))),
    "p1/e.py": ("code_too_short", function("planted14", body="    return values\n")),
    "p1/f.py": ("code_too_long", function("planted15", body=LONG)),
    "p1/g.py": ("secret", function("planted16", body=f"    key = '{KEY}'\n{BODY}")),
    "p1/h.py": ("license_not_allowed", "# SPDX-License-Identifier: GPL-3.0-only\n" + function("planted17")),
    "p1/inner/i.py": ("license_not_allowed", function("planted18")),
    "p1/j.py": ("docstring_inseparable", function("planted19").replace('values."""', 'values."""; x = 1')),
}  # fmt: skip
# Copies of innocent rows, by the reason they must be dropped for: whichever of the two has the larger id goes.
COPIED = {
    "exact_duplicate": lambda code: code.replace("    return", "    # the same again\n    return"),
    "near_duplicate": lambda code: code.replace(" of `", " taken from the `").replace(
        "    return", "    spare = 1\n    return"
    ),
    "renamed_duplicate": lambda code: code.replace(code.split("(")[0][4:], "other_name"),
}
BROKEN = {
    "null_byte": b"x = '\0'\n",
    "python_2": b"def f(a):\n    print 'x'\n",
    "newer_syntax": b"type Number = int\n",
    "syntax_error": b"def f(:\n",
    "too_deep": b"x = " + b"(" * 5000 + b")" * 5000 + b"\n",
    "undecodable": b"# \xff\xfe\n",
    "empty": b"\n",
    "too_large": b"#" * (65 << 10),
    "nothing_documented": b"x = 1\n",
}

# Of these no text is kept; a file that has one is a file of the corpus, whether it parses or not.
NO_TEXT = ("null_byte", "undecodable", "too_large", "link", "linked_folder")


def plant(root):
    files = {}
    for row in INNOCENT:
        files.setdefault(f"{row['package']}/{row['path']}", []).append(row["code"])
    for path, codes in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n\n\n".join(codes) + "\n")
    for path, (_, text) in PLANTED.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "p1/inner/COPYING").write_text("GNU GENERAL PUBLIC LICENSE\nVersion 3\n")
    (root / "broken").mkdir()
    for reason, content in BROKEN.items():
        (root / f"broken/{reason}.py").write_bytes(content)
    (root / "broken/link.py").symlink_to("latin_1.py")
    (root / "broken/round").symlink_to(root)
    (root / "broken/latin_1.py").write_bytes("# coding: latin-1\nname = 'é'\r\n".encode("latin-1"))
    (root / "copies").mkdir()
    for place, (reason, change) in enumerate(COPIED.items()):
        (root / f"copies/{reason}.py").write_text(change(INNOCENT[place]["code"]) + "\n")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    plant(folder / "corpus")
    table = [{"instruction": "Weigh it.", "output": ""}, {"instruction": "", "output": "x = 1"}, ["no row"], "{"]
    (folder / "asks.jsonl").write_text("\n".join(row if row == "{" else json.dumps(row) for row in table))
    sources = [
        {"type": "folder", "name": "corpus", "path": str(folder / "corpus")},
        {"type": "table", "name": "asks", "path": str(folder / "asks.jsonl")},
    ]
    (folder / "asks.jsonl").open("a").write('\n{"instruction": "Weigh a stone.", "output": "' + "w(\\n" + '"}')
    params = IngestParams.model_validate({"sources": sources, "max_file_kb": 64, "workers": 1})
    ingest.run(params, ingest.Outputs(folder / "raw"))
    cleaned(folder)
    return folder


def cleaned(folder, name="clean", params=PARAMS):
    clean.run(params, clean.Inputs(folder / "raw"), clean.Outputs(folder / name, folder / f"{name}.json"))
    return {row["id"]: row for row in read_table(folder / name / "ledger.parquet")}


@pytest.fixture(scope="module")
def ledger(corpus):
    return read_table(corpus / "clean/ledger.parquet")


@pytest.mark.parametrize("path", PLANTED)
def test_what_is_planted_is_found_with_its_reason(ledger, path):
    (row,) = [row for row in ledger if row["path"] == path]
    assert (row["verdict"], row["reason"]) == ("drop", PLANTED[path][0])


def test_copies_are_found_and_name_what_they_copy(ledger):
    by_id = {row["id"]: row for row in ledger}
    for place, reason in enumerate(COPIED):
        (copy,) = [row for row in ledger if row["path"] == f"copies/{reason}.py"]
        original = next(row for row in ledger if row["qualname"] == INNOCENT[place]["qualname"] and row is not copy)
        dropped, kept = (copy, original) if copy["verdict"] == "drop" else (original, copy)
        assert (dropped["reason"], kept["verdict"]) == (reason, "keep")
        assert by_id[dropped["matched"]] == kept
        assert dropped["similarity"] >= 0.7


def test_the_innocent_are_kept(ledger):
    copied = {INNOCENT[place]["qualname"] for place in range(len(COPIED))}
    innocent = [row for row in ledger if row["path"].startswith("pkg") and row["qualname"] not in copied]
    assert len(innocent) == 1000 - len(COPIED)
    assert Counter(row["reason"] for row in innocent) == {"keep": len(innocent)}


def test_broken_files_and_rows_are_counted(corpus):
    code, table = read_json(corpus / "raw/manifest.json")["sources"]
    assert {reason: code["files_skipped"].get(reason) for reason in [*BROKEN, "link", "linked_folder"]} == {
        **dict.fromkeys(BROKEN, 1), "nothing_documented": 2, "link": 1, "linked_folder": 1,
    }  # fmt: skip
    assert table["rows_skipped"] == {
        "completion_empty": 1, "instruction_empty": 1, "not_an_object": 1, "not_json": 1,
    }  # fmt: skip
    assert table["rows"] == 1


def test_ledger_adds_up_to_what_came_in(corpus, ledger):
    report, manifest = read_json(corpus / "clean.json"), read_json(corpus / "raw/manifest.json")
    assert report["raw"] == len(ledger) == manifest["rows"]
    assert report["kept"] + sum(report["dropped"].values()) == report["raw"]
    assert sum(report["splits"].values()) == report["kept"]
    code, table = manifest["sources"]
    without_text = sum(code["files_skipped"].get(reason, 0) for reason in NO_TEXT)
    assert code["seen"] == code["files"] + without_text
    assert table["seen"] == table["rows"] + sum(table["rows_skipped"].values()) == 5


def test_nothing_leaks(corpus):
    similarity = SimilarityParams(
        encoder=EncoderParams(model="minilm"), max_tokens=64, min_instruction=0.95, min_code=0.99
    )
    limits = ExamineParams(
        near_duplicate=0.7,
        max_exact=0,
        max_renamed=0,
        max_near=0,
        similarity=similarity,
        max_similar=0,
        max_benchmark=0,
    )
    parts = [corpus / f"clean/{split}.jsonl" for split in ("train", "val", "test")]
    params = examine.Params(limits, (), NumericsParams(mode="portable", threads=1))
    report = examine.run(params, examine.Inputs(*parts), examine.Outputs(corpus / "leaks.json"))
    assert report["test"]["rows"] >= 50
    assert report["test"]["leaks"] == []


def test_benchmarks_are_taken_out_of_train(corpus):
    chosen = read_jsonl(corpus / "clean/train.jsonl")[0]
    path = corpus / "tasks.jsonl"
    task = {"task_id": "HumanEval/7", "prompt": "import re\n\n\n", "canonical_solution": chosen["completion"]}
    path.write_text(json.dumps(task) + "\n")
    after = cleaned(corpus, "without", params=PARAMS.model_copy(update={"benchmarks": [str(path)]}))
    row = after[chosen["id"]]
    assert (row["verdict"], row["reason"], row["found"]) == ("drop", "benchmark", "HumanEval/7")
    assert {row["reason"] for row in after.values()} >= {"keep", "benchmark"}
    before = read_json(corpus / "clean.json")["kept"]
    assert sum(row["verdict"] == "keep" for row in after.values()) == before - 1
