"""Load and validate params.yaml: one strict pydantic model per section, all problems reported at once.

The models of the sections are in the packages that they configure (`codetune/<topic>/params.py`).
params.yaml is read as YAML 1.2, so `1e-4` is a number and `no` is a string.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_strictly

PARAMS_FILE = Path("params.yaml")


STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
"""pydantic settings for every model of params.yaml: reject unknown keys, other types, infinity and NaN."""
_NUMBER_BITS = 63  # torch and numpy take no larger integers
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80


class Section(BaseModel):
    """Base class for a section of params.yaml. It rejects unknown keys and wrong types, and its values are read-only.

    Subclasses set `section` to their key in params.yaml.
    """

    model_config = STRICT
    section: ClassVar[str]


SectionT = TypeVar("SectionT", bound=Section)


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """Return the content of params.yaml before validation.

    :raises UserError: if the file is missing, is not YAML, or is not a mapping.
    """
    content = read_strictly(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {type(content).__name__}, expected a mapping of sections", "Fix the file.")
    return content


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the pydantic models that `annotation` contains, also inside lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _tag(model: type[BaseModel]) -> str | None:
    """Return the value of `type` that selects `model` in a union, or None if it has no such field."""
    values = get_args(model.model_fields["type"].annotation) if "type" in model.model_fields else ()
    return str(values[0]) if len(values) == 1 else None


def _kinds(annotation: Any) -> int:
    """Return the number of kinds of values that a field takes, without None: 2 for `Literal["auto"] | list[str]`."""
    union = get_origin(annotation) in (Union, UnionType)
    return len([inner for inner in get_args(annotation) if inner is not NoneType]) if union else 1


def _follow(section: type[BaseModel], location: tuple[str | int, ...]) -> tuple[str, list[type[BaseModel]]]:
    """Return `location` as a dotted key of params.yaml, and the models that are allowed there."""
    models, key = [section], ""
    member = _member(section, location)
    for place, part in enumerate(location):
        if place == member:
            continue
        chosen = [model for model in models if len(models) > 1 and _tag(model) == part]
        if chosen and isinstance(location[place - 1], int):
            models = chosen  # pydantic adds the union member to the location; it is no key of params.yaml
            continue
        key += f".{part}"
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            models = [inner for field in fields for inner in _models(field.annotation)]
    return key, models


def _member(section: type[BaseModel], location: tuple[str | int, ...]) -> int | None:
    """Return the place in `location` where pydantic names the kind of value that was tried, or None.

    It does so for a field that takes several kinds of values, such as a word or a list.
    """
    models = [section]
    for place, part in enumerate(location[:-1]):
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        if any(_kinds(field.annotation) > 1 and not _models(field.annotation) for field in fields):
            return place + 1
        models = [inner for field in fields for inner in _models(field.annotation)] if fields else models
    return None


def _hint(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def _describe(section: type[Section], error: Any) -> str:
    """Describe one pydantic error in one clause: the key, the value found, the value expected."""
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


def _is_other_kind(error: Any) -> bool:
    """Return whether pydantic reports that a value is of another kind than expected."""
    kind: str = error["type"]
    return kind == "literal_error" or kind.endswith("_type")


def _clauses(section: type[Section], errors: list[Any]) -> Iterator[str]:
    """Yield one clause for each problem. pydantic reports an error for each kind of value that a field takes."""
    tried: dict[tuple[str | int, ...], list[Any]] = {}
    for error in errors:
        location = tuple(error["loc"])
        member = _member(section, location)
        tried.setdefault(location[:member] if member else location, []).append(error)
    for place, found in tried.items():
        # A list with a wrong element is meant to be a list.
        meant = [error for error in found if len(error["loc"]) > len(place) + 1 or not _is_other_kind(error)]
        if meant or len(found) == 1:
            yield from (_describe(section, error) for error in meant or found)
        else:
            wanted = [error["msg"].removeprefix("Input should be ") for error in found]
            yield _describe(section, found[0] | {"loc": place, "msg": ", or ".join(wanted)})


def _too_large(key: str, content: Any) -> Iterator[str]:
    """Yield a clause for every integer that is too large for the libraries, such as a seed of 65 bits."""
    seen: set[int] = set()  # a YAML alias can point to a node that contains it
    pending = [(key, content)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, int) and value.bit_length() > _NUMBER_BITS:
            yield f"{key}: found an integer of {value.bit_length()} bits, expected at most {_NUMBER_BITS}"
        if isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            pending += [(f"{key}.{name}", item) for name, item in items]


def problems_in(content: dict[str, Any], *sections: type[Section]) -> list[str]:
    """Validate some sections of params.yaml.

    :param content: the content of params.yaml, see `read_params`.
    :returns: one clause for each problem; empty if there are none.
    """
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
            problems += _clauses(section, error.errors())
    return problems


def load_section(section: type[SectionT], path: Path = PARAMS_FILE) -> SectionT:
    """Return one section of params.yaml, validated.

    :raises UserError: if the section has problems; it names all of them at once.
    """
    content = read_params(path)
    raise_problems(path, problems_in(content, section))
    return section.model_validate(content[section.section])


def raise_problems(path: Path, problems: list[str]) -> None:
    """Raise one error that lists all problems, if there are any.

    :raises UserError: if `problems` is not empty.
    """
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        raise UserError(f"{path}: {len(problems)} {noun}: {'; '.join(problems)}", f"Fix {path} and run again.")
