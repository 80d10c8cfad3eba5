"""Loading params.yaml: one strict pydantic model per section, all problems reported at once.

The sections themselves live with the topics they configure (`codetune/<topic>/params.py`).
params.yaml is read as YAML 1.2, so that `1e-4` is a number and `no` is a word.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_strictly

PARAMS_FILE = Path("params.yaml")


STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
"""How every part of params.yaml is read: unknown keys, other types and numbers without an end are refused."""
_NUMBER_BITS = 63  # of the integers that torch and numpy take
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80


class Section(BaseModel):
    """Base of a section of params.yaml: unknown keys and wrong types are errors, values never change after loading.

    Subclasses set `section` to their key in params.yaml.
    """

    model_config = STRICT
    section: ClassVar[str]


SectionT = TypeVar("SectionT", bound=Section)


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """The raw content of params.yaml.

    :raises UserError: when the file is missing, is not YAML, or is not a mapping.
    """
    content = read_strictly(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {type(content).__name__}, expected a mapping of sections", "Mend the file.")
    return content


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value of `annotation` may be, those in lists and unions included."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _tag(model: type[BaseModel]) -> str | None:
    """The value of `type` that picks `model` among those of a union, or None."""
    values = get_args(model.model_fields["type"].annotation) if "type" in model.model_fields else ()
    return str(values[0]) if len(values) == 1 else None


def _follow(section: type[BaseModel], location: tuple[str | int, ...]) -> tuple[str, list[type[BaseModel]]]:
    """The key of `location` as it stands in params.yaml, and the models that may stand there."""
    models, key = [section], ""
    for place, part in enumerate(location):
        chosen = [model for model in models if len(models) > 1 and _tag(model) == part]
        if chosen and isinstance(location[place - 1], int):
            models = chosen  # pydantic names the member of a union; params.yaml does not
            continue
        key += f".{part}"
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            models = [inner for field in fields for inner in _models(field.annotation)]
    return key, models


def _hint(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def _describe(section: type[Section], error: Any) -> str:
    """One clause for one problem: key, what was found, what was expected."""
    location = tuple(error["loc"])
    place, models = _follow(section, location)
    key = f"{section.section}{place}"
    if error["type"] == "extra_forbidden":
        parents = _follow(section, location[:-1])[1]
        known = sorted({name for model in parents for name in model.model_fields})
        return f"{key}: unknown parameter ({_hint(str(location[-1]), known)})"
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        known = sorted(filter(None, map(_tag, models)))
        tag = error.get("ctx", {}).get("tag")
        return (
            f"{key}.type: unknown type {tag!r} ({_hint(tag, known)})"
            if tag
            else f"{key}.type: missing ({_hint('', known)})"
        )
    if error["type"] == "missing":
        return f"{key}: missing"
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}"
    found = f"found {_REPR.repr(error['input'])} ({type(error['input']).__name__})"
    return f"{key}: {found}, expected: {error['msg'].removeprefix('Input should be ')}"


def _too_large(key: str, content: Any) -> Iterator[str]:
    """Yield a clause for every integer that no library takes, such as a seed of 65 bits."""
    seen: set[int] = set()  # an alias of YAML can stand for what it is in
    pending = [(key, content)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, int) and value.bit_length() > _NUMBER_BITS:
            yield f"{key}: found an integer of {value.bit_length()} bits, expected {_NUMBER_BITS} at the most"
        if isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            pending += [(f"{key}.{name}", item) for name, item in items]


def problems_in(content: dict[str, Any], *sections: type[Section]) -> list[str]:
    """Every problem of `sections` in the content of params.yaml, one clause each; empty when all is well."""
    problems: list[str] = []
    for section in sections:
        if section.section not in content:
            close = difflib.get_close_matches(section.section, [str(key) for key in content], n=1)
            hint = f" (found {close[0]}: is it misspelt?)" if close else ""
            problems.append(f"{section.section}: missing section{hint}")
            continue
        if too_large := list(_too_large(section.section, content[section.section])):
            problems += too_large
            continue
        try:
            section.model_validate(content[section.section])
        except ValidationError as error:
            problems += [_describe(section, item) for item in error.errors()]
    return problems


def load_section(section: type[SectionT], path: Path = PARAMS_FILE) -> SectionT:
    """One validated section of params.yaml.

    :raises UserError: naming every problem of the section at once.
    """
    content = read_params(path)
    raise_problems(path, problems_in(content, section))
    return section.model_validate(content[section.section])


def raise_problems(path: Path, problems: list[str]) -> None:
    """Raise one UserError that lists `problems`; nothing when there are none."""
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        raise UserError(f"{path}: {len(problems)} {noun}: {'; '.join(problems)}", f"Mend {path} and run again.")
