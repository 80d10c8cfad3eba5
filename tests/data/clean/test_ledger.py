"""The ledger answers for every row: where it came from, by what rule it fell, and by how much."""

import json
import re
from pathlib import Path

from codetune.data import clean as cleaning
from codetune.data.clean.reasons import REASONS
from codetune.data.clean.report import ledger_row
from codetune.data.clean.verdicts import BENCHMARK, deduplicated, judged
from codetune.python_source import self_contained
from codetune.reporting.reasons import OTHER, describe_reason
from codetune.schemas.ledger import LEDGER
from tests.data.clean.test_filters import CODE, PARAMS, row


def rows():
    near = CODE.replace("total", "count").replace("# begin", "").replace("+=", "-=")
    yield row(id="a", code=CODE)
    yield row(id="b", code=CODE.replace("# begin", "# other comment"))
    yield row(id="c", code=near, qualname="Sum.count", docstring="Return the count of values.")
    yield row(id="d", qualname="Sum.__add__")


def lines(threshold):
    raw = [
        {
            "kind": "function",
            "source": "code",
            "group": "pkg",
            "package": "pkg",
            "license": "MIT",
            "start_line": 3,
            **each,
        }
        for each in rows()
    ]
    params = PARAMS.model_copy(update={"near_duplicate": threshold})
    found, records = zip(*(judged(each, params, number) for number, each in enumerate(raw)), strict=True)
    lines = (ledger_row(v, json.loads(records[v.record]), {"pkg": "val"}) for v in deduplicated(list(found), params))
    return {each["id"]: each for each in lines}


def test_lines_hold_place_verdict_measurement_and_match():
    ledger = lines(0.3)
    assert list(ledger["a"]) == LEDGER.columns
    kept = {key: value for key, value in ledger["a"].items() if value is not None}
    assert kept == {
        "id": "a", "source": "code", "group": "pkg", "package": "pkg", "license": "MIT", "path": "pkg/mod.py", "qualname": "Sum.total",
        "start_line": 3, "verdict": "keep", "reason": "keep", "split": "val", "code_lines": 5, "code_tokens": 23,
        "instruction_words": 16,
    }  # fmt: skip
    assert [ledger["b"][key] for key in ("verdict", "reason", "matched", "similarity", "measured", "split")] == [
        "drop", "exact_duplicate", "a", 1.0, None, None,
    ]  # fmt: skip
    near = ledger["c"]
    assert (near["reason"], near["matched"], near["measure"], near["threshold"]) == (
        "near_duplicate", "a", "similarity", 0.3,
    )  # fmt: skip
    assert 0.3 <= near["measured"] == near["similarity"] < 1
    assert near["code_tokens"] == 23
    assert (ledger["d"]["reason"], ledger["d"]["found"], ledger["d"]["code_tokens"]) == ("dunder", "__add__", None)


def test_every_reason_is_explained():
    files = [path for path in Path(cleaning.__file__).parent.glob("*.py") if path.name != "reasons.py"]
    sources = "".join(path.read_text() for path in [*files, Path(self_contained.__file__)])
    given = {BENCHMARK, *re.findall(r'(?:Drop|_matched|Pass|Incomplete|_Unmet)\(\s*"(\w+)"', sources)}
    assert given <= set(REASONS)
    assert [reason for reason in REASONS if f'"{reason}"' not in sources] == []
    assert describe_reason("new_rule").stage == OTHER
    assert "new_rule" in describe_reason("new_rule").words
