"""params.yaml, whatever it holds: right, or refused in words."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from codetune.cli.sections import SECTIONS, check_params
from codetune.core.config import problems_in, read_params
from tests.conftest import ROOT
from tests.fuzz.inputs import inputs, no_foreign_exception

_TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
_CONTENT: dict[str, Any] = YAML(typ="safe", pure=True).load(_TEXT)
_WORDS = st.sampled_from(
    ["smollm2", "data", "data/packages.txt", "minilm", "a/b", "packages", "null", "..", "/", "x\n", "\0"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(0, 600) | st.floats() | st.text(max_size=20) | _WORDS
    | st.dates() | st.datetimes() | st.binary(max_size=4) | st.just(2**99),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS | st.integers() | st.none(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
_YAML = ["&a ", "*a", "[", "]", "{", "}", ": ", "\n", "- ", "!!int ", "!!float ", "!!python/object:x ", "<<: ", "? ", "'", '"', "|",
         "0x" + "f" * 5000, "9" * 5000, "1e999", ".nan", "2026-99-99", "\t", "#", "%", "@", "`", "\0", "[" * 3000, "~", "\ufeff", "---\n"]  # fmt: skip


def _places(content: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [place for key, value in items for place in ((*before, key), *_places(value, (*before, key)))]


@given(st.lists(st.tuples(st.sampled_from(_places(_CONTENT)), _VALUES, st.booleans()), min_size=1, max_size=3))
@inputs(100)
def test_values_of_any_kind(changes):
    content = copy.deepcopy(_CONTENT)
    for (*place, key), value, rename in changes:
        found = content
        try:
            for part in place:
                found = found[part]
            if rename and isinstance(found, dict):
                found[value if isinstance(value, str | int) else str(value)] = found.pop(key)
            else:
                found[key] = value
        except (LookupError, TypeError):
            continue
    for problem in problems_in(content, *SECTIONS):
        assert isinstance(problem, str)


@given(
    st.lists(
        st.tuples(st.integers(0, len(_TEXT)), st.integers(0, 40), st.sampled_from(_YAML) | st.text(max_size=5)),
        min_size=1,
        max_size=3,
    )
)
@inputs(20)
def test_any_text(tmp_path_factory, changes):
    text = _TEXT
    for place, cut, added in changes:
        text = text[:place] + added + text[place + cut :]
    path: Path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with no_foreign_exception():
        check_params(path)


@given(
    st.lists(st.sampled_from(_YAML) | st.text(max_size=5) | st.sampled_from(["a", "train", "1"]), max_size=12).map(
        "".join
    )
)
@inputs(100)
def test_any_yaml(tmp_path_factory, text):
    path: Path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with no_foreign_exception():
        problems_in(read_params(path), *SECTIONS)
