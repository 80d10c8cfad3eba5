"""One broken row for each rule of each table: the message names file, row, column, what was found and expected."""

from pathlib import Path

import pyarrow as pa
import pytest

from codetune.core.errors import UserError
from codetune.evaluation.metrics.registry import schema
from codetune.schemas.checking import checked
from codetune.schemas.instructions import AUGMENTED, ORIGINALS, PARAPHRASES
from codetune.schemas.ledger import AUGMENTED_LEDGER, LEDGER
from codetune.schemas.manifest import MANIFEST
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.raw import RAW_FILES, RAW_ROWS
from codetune.schemas.samples import BENCHMARK_SAMPLES, SAMPLES
from tests.support import tables

SCORES = schema()
ID = "aaaa000000000001"
OTHER = "bbbb000000000002"
WORDS = "expected text that is not blank"
ROW_ID = "expected 16 lower-case hexadecimal digits"
LINE = "expected the number of a line, 1 or more"
COUNT = "expected a count, 0 or more"
SHA = "expected a sha256: 64 lower-case hexadecimal digits"
KIND = "text that is not blank if the kind is pair, else null"
PLACE = "expected only id, group, path, qualname, instruction, reference, answer, tokens, stopped, ended"
near = {"matched": OTHER, "similarity": 0.84}

GOOD = [
    (RAW_ROWS, tables.raw_row()),
    (RAW_ROWS, tables.raw_row(version="", license_evidence="", instruction=None, completion=None)),
    (RAW_ROWS, tables.pair_row()),
    (RAW_FILES, tables.source_file(text="")),
    (MANIFEST, tables.manifest()),
    (MANIFEST, tables.manifest(sources=[])),
    (ORIGINALS, tables.instruction_row()),
    (AUGMENTED, tables.instruction_row()),
    (AUGMENTED, tables.paraphrase()),
    (PARAPHRASES, tables.paraphrase()),
    (LEDGER, tables.ledger_row()),
    (AUGMENTED_LEDGER, tables.ledger_row(children=[ID.replace("1", "2")])),
    (LEDGER, tables.dropped_row(ID, "near_duplicate", measure="similarity", measured=0.84, threshold=0.7, **near)),
    (HELD_OUT_PROBLEMS, tables.held_out_problem()),
    (VERIFIED_PROBLEMS, {"id": ID, "digest": OTHER}),
    (SAMPLES, tables.sample(answer="", tokens=0)),
    (BENCHMARK_SAMPLES, tables.benchmark_sample(answer=[])),
    (SCORES, tables.prompt_scores(base=tables.answer_scores(bertscore_f1=-3.5, chrf=100.0, bleu=0.0))),
]


@pytest.mark.parametrize(("schema", "row"), GOOD)
def test_a_row_as_declared_passes_unchanged(schema, row):
    (passed,) = checked([row], schema, Path("t.jsonl"))
    assert passed is row


def scored(**changes):
    return tables.prompt_scores(tuned=tables.answer_scores(**changes))


def packaged(**changes):
    content = tables.manifest()
    content["sources"][0]["packages"][0] |= changes
    return content


BROKEN = [
    # data/raw
    (RAW_ROWS, tables.raw_row("aaaa00000000000G"), f"id is 'aaaa00000000000G', {ROW_ID}"),
    (RAW_ROWS, tables.raw_row("aaaa0001"), f"id is 'aaaa0001', {ROW_ID}"),
    (RAW_ROWS, tables.raw_row(f"{ID}\n"), f"id is 'aaaa000000000001\\n', {ROW_ID}"),
    (RAW_ROWS, tables.raw_row(group=" "), f"group is ' ', {WORDS}"),
    (RAW_ROWS, tables.raw_row(license=""), f"license is '', {WORDS}"),
    (RAW_ROWS, tables.raw_row(path=None), f"path is None, {WORDS}"),
    (RAW_ROWS, tables.raw_row(code=b"x"), "code is b'x', expected text"),
    (RAW_ROWS, tables.raw_row(code=""), "code is '', expected text, because the kind is function or method"),
    (RAW_ROWS, tables.raw_row(docstring="\udc80"), "docstring is '\\udc80', expected text"),
    (RAW_ROWS, tables.raw_row(docstring=""), "docstring is '', expected text, because the kind is function or method"),
    (RAW_ROWS, tables.raw_row(kind="class"), "kind is 'class', expected function, method or pair"),
    (RAW_ROWS, tables.raw_row(start_line=0), f"start_line is 0, {LINE}"),
    (RAW_ROWS, tables.raw_row(start_line=True), f"start_line is True, {LINE}"),
    (RAW_ROWS, tables.raw_row(end_line="20"), f"end_line is '20', {LINE}"),
    (RAW_ROWS, tables.raw_row(end_line=9), "end_line is 9, expected a line not before start_line"),
    (RAW_ROWS, tables.raw_row(instruction="Do."), f"instruction is 'Do.', expected {KIND}"),
    (RAW_ROWS, tables.pair_row(instruction=" \n"), f"instruction is ' \\n', expected {KIND}"),
    (RAW_ROWS, tables.pair_row(completion=None), f"completion is None, expected {KIND}"),
    (RAW_FILES, tables.source_file(sha256="5BA1" * 16), f"sha256 is '{'5BA1' * 14}5BA…, {SHA}"),
    (RAW_FILES, tables.source_file(license=None), f"license is None, {WORDS}"),
    # data/clean and data/augmented
    (ORIGINALS, tables.instruction_row(instruction="\t"), f"instruction is '\\t', {WORDS}"),
    (ORIGINALS, tables.instruction_row(completion=""), f"completion is '', {WORDS}"),
    (ORIGINALS, tables.instruction_row(license=""), f"license is '', {WORDS}"),
    (ORIGINALS, tables.instruction_row(lines=[0, 2]), f"lines.0 is 0, {LINE}"),
    (ORIGINALS, tables.instruction_row(lines=[1]), "lines is [1], expected the numbers of the first and last line, 1 or more"),
    (ORIGINALS, tables.instruction_row(lines=[3, 2]), "lines is [3, 2], expected a last line not before the first"),
    (ORIGINALS, tables.instruction_row(parent=OTHER), f"parent is '{OTHER}', expected null, because this row is no paraphrase"),
    (AUGMENTED, tables.paraphrase(parent="lark"), f"parent is 'lark', {ROW_ID}, or null"),
    (AUGMENTED, tables.paraphrase(ID), f"parent is '{ID}', expected the id of another row"),
    (PARAPHRASES, tables.paraphrase(parent=None), "parent is None, expected the id of the row that the paraphrase was made from"),
    (PARAPHRASES, tables.paraphrase(ID), f"parent is '{ID}', expected the id of another row"),
    # data/augmented/ledger.parquet
    (AUGMENTED_LEDGER, tables.ledger_row(children=["1"]), "children.0 is '1', expected 16 lower-case hexadecimal digits"),
    (AUGMENTED_LEDGER, tables.ledger_row(), "column children is missing, expected a list of ids"),
    (AUGMENTED_LEDGER, tables.dropped_row(ID, "secret", children=[ID]), f"children is ['{ID}'], expected an empty list for a dropped row"),
    # data/clean/ledger.parquet
    (LEDGER, tables.ledger_row(verdict="maybe"), "verdict is 'maybe', expected keep or drop"),
    (LEDGER, tables.ledger_row(reason=""), f"reason is '', {WORDS}"),
    (LEDGER, tables.ledger_row(reason="secret"), "reason is 'secret', expected keep for a kept row, and a drop reason for a dropped row"),
    (LEDGER, tables.dropped_row(ID, "keep"), "reason is 'keep', expected keep for a kept row, and a drop reason for a dropped row"),
    (LEDGER, tables.ledger_row(split=None), "split is None, expected a split for a kept row, and null for a dropped row"),
    (LEDGER, tables.dropped_row(ID, "secret", split="val"), "split is 'val', expected a split for a kept row, and null for a dropped row"),
    (LEDGER, tables.ledger_row(split="dev"), "split is 'dev', expected train, val or test, or null"),
    (LEDGER, tables.ledger_row(end_line=9), "end_line is 9, expected a line not before start_line"),
    (LEDGER, tables.dropped_row(ID, "near_duplicate", matched=ID), f"matched is '{ID}', expected the id of another row"),
    (LEDGER, tables.ledger_row(similarity=1.5), "similarity is 1.5, expected a number from 0 to 1, or null"),
    (LEDGER, tables.ledger_row(measured=float("nan")), "measured is nan, expected a finite number, or null"),
    (LEDGER, tables.ledger_row(threshold=float("inf")), "threshold is inf, expected a finite number, or null"),
    (LEDGER, tables.ledger_row(code_lines=-1), f"code_lines is -1, {COUNT}, or null"),
    # reports
    (SAMPLES, tables.sample(reference=""), f"reference is '', {WORDS}"),
    (SAMPLES, tables.sample(answer=None), "answer is None, expected text"),
    (SAMPLES, tables.sample(tokens=-1), f"tokens is -1, {COUNT}"),
    (SAMPLES, tables.sample(stopped=1), "stopped is 1, expected true or false"),
    (SAMPLES, tables.sample(extra=1), f"column extra is unknown, {PLACE}"),
    (SAMPLES, {"id": ID}, f"column group is missing, {WORDS}"),
    (SCORES, scored(chrf=100.5), "tuned.chrf is 100.5, expected a number from 0 to 100"),
    (SCORES, scored(bleu=-1.0), "tuned.bleu is -1.0, expected a number from 0 to 100"),
    (SCORES, scored(bertscore_f1=float("nan")), "tuned.bertscore_f1 is nan, expected a finite number, at most 1; 0 means unrelated text"),
    (SCORES, scored(bertscore_recall=1.5), "tuned.bertscore_recall is 1.5, expected a finite number, at most 1; 0 means unrelated text"),
    (SCORES, scored(bertscore_f1_raw=-1.5), "tuned.bertscore_f1_raw is -1.5, expected a number from -1 to 1"),
    (SCORES, scored(edit_similarity=1.01), "tuned.edit_similarity is 1.01, expected a number from 0 to 1"),
    (SCORES, scored(names_bound=0.5), "tuned.names_bound is 0.5, expected 0 or 1"),
    (SCORES, scored(exact_match=2), "tuned.exact_match is 2, expected 0 or 1"),
    (SCORES, scored(syntax_valid=True), "tuned.syntax_valid is True, expected 0 or 1"),
    (SCORES, scored(f2=0.1), "column tuned.f2 is unknown, expected no column of that name"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "row", "problem"), BROKEN)
def test_a_broken_row_is_named(schema, row, problem):
    good = next(good for known, good in GOOD if known is schema) | ({"id": OTHER} if schema.label == "id" else {})
    label = row[schema.label]
    with pytest.raises(UserError) as caught:
        list(checked([good, row], schema, Path("data/t.parquet")))
    place = f"data/t.parquet, row 2 ({label}): "
    assert caught.value.what == f"{place}{problem}; the file was not written"
    assert f"`{schema.stage}`" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tables.manifest(rows=-1), f"rows is -1, {COUNT}"),
        (tables.manifest(rows_skipped={"empty": "1"}), "rows_skipped.empty is '1', expected a count, 0 or more"),
        (packaged(sha256="5ba1"), f"sources.0.packages.0.sha256 is '5ba1', {SHA}"),
        (packaged(license=""), f"sources.0.packages.0.license is '', {WORDS}"),
    ],
)
def test_a_broken_manifest_is_named(content, problem):
    with pytest.raises(UserError) as caught:
        list(checked([content], MANIFEST, Path("m.json")))
    assert caught.value.what == f"m.json: {problem}; the file was not written"


WITH_IDS = [(schema, row) for schema, row in GOOD if schema.label == "id"]


@pytest.mark.parametrize(("schema", "row"), WITH_IDS)
def test_an_id_stands_for_one_row(schema, row):
    with pytest.raises(UserError, match=r"t.jsonl:2 \(\w{16}\): id is also in row 1, expected a unique value; "):
        list(checked([row, row], schema, Path("t.jsonl")))


def test_files_may_have_the_same_path():
    assert len(list(checked([tables.source_file()] * 2, RAW_FILES, Path("t.parquet")))) == 2


def _fields(schema):
    return [(field.name, str(field.type)) for field in schema.arrow]


def test_arrow_types_are_those_of_the_declaration():
    rows = dict.fromkeys(RAW_ROWS.columns, "string") | {"start_line": "int32", "end_line": "int32"}
    counts = ("start_line", "end_line", "code_lines", "code_tokens", "instruction_words")
    ledger = dict.fromkeys(LEDGER.columns, "string") | dict.fromkeys(counts, "int32")
    ledger |= dict.fromkeys(("measured", "threshold", "similarity"), "double")
    assert _fields(RAW_ROWS) == list(rows.items())
    assert _fields(LEDGER) == list(ledger.items())
    assert _fields(AUGMENTED_LEDGER)[:-1] == _fields(LEDGER)
    assert AUGMENTED_LEDGER.arrow.field("children").type == pa.list_(pa.string())
    assert _fields(RAW_FILES) == [
        (name, "string") for name in ("group", "package", "version", "license", "path", "sha256", "text")
    ]
    assert RAW_ROWS.columns[-3:] == ["code", "instruction", "completion"]
