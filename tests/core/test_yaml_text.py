from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_sections, read_yaml

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
SCALARS = (
    "1", "-3", "+4", "1e-4", "1E5", ".5", "1.", "1.5e3", "-.5", "0x1F", "0o17", "012", "08", "0b11", "1_000", "1:30",
    "yes", "no", "on", "true", "False", "TRUE", "null", "~", "", "'5'", '"a"', "[1, 2]", "{a: 1e3}", ".inf", "1e", "a b",
)  # fmt: skip


@pytest.mark.parametrize("text", [PARAMS, *(f"k: {scalar}" for scalar in SCALARS)])
def test_values_are_those_of_yaml_1_2(text: str) -> None:
    """By ruamel.yaml, which reads YAML 1.2, and with which the stages read their parameters."""
    expected = YAML(typ="safe", pure=True).load(text)
    found = read_yaml(text)
    assert found == expected
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in expected.items()}


@pytest.mark.parametrize("text", ["a: [", "- 1", "just words", "a: !!python/object:os.system x", "&a a: *b"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_yaml(text)


@pytest.mark.parametrize(
    "text",
    [
        PARAMS,
        "# said first\na: 1\n\nb:\n  c: 2  # why\nd: [1,\n  2]\n",
        "a: &x {k: 1}\nb: *x\n",  # sections that need each other
        "a: {\nb: 1\n}\n",  # and that go on at the start of a line
        'a: "x\nb: y"\n',
        "",
    ],
)
def test_sections_together_are_the_whole(text: str) -> None:
    known: dict[str, Any] = {}
    expected = read_yaml(text) if text else {}
    assert read_sections(text, known) == expected
    assert read_sections(text, known) == expected


def test_a_section_that_was_seen_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from codetune.core import yaml_text

    parsed = []
    monkeypatch.setattr(yaml_text, "_load", lambda text: parsed.append(text) or {text[:1]: 1})
    known: dict[str, Any] = {}
    yaml_text.read_sections("a: 1\nb: 2\n", known)
    yaml_text.read_sections("a: 1\nb: 3\n", known)
    assert parsed == ["", "a: 1\n", "b: 2\n", "b: 3\n"]
