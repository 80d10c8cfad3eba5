"""Loading params.yaml: one strict pydantic model per section, all problems reported at once.

The sections themselves live with the topics they configure (`codetune/<topic>/params.py`).
params.yaml is read as YAML 1.2, so that `1e-4` is a number and `no` is a word.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from codetune.errors import UserError

PARAMS_FILE = Path("params.yaml")


class Section(BaseModel):
    """Base of a section of params.yaml: unknown keys and wrong types are errors, values never change after loading.

    Subclasses set `section` to their key in params.yaml.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    section: ClassVar[str]


SectionT = TypeVar("SectionT", bound=Section)


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """The raw content of params.yaml.

    :raises UserError: when the file is missing, is not YAML, or is not a mapping.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Restore it with `git checkout params.yaml`.") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {error}", "Mend the line that is named.") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {type(content).__name__}, expected a mapping of sections", "Mend the file.")
    return content


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The field names that are allowed at the parent of `location`."""
    current: Any = model
    for part in location[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        current = field.annotation if field is not None else None
    return sorted(getattr(current, "model_fields", {}))


def _describe(section: type[Section], error: Any) -> str:
    """One clause for one problem: key, what was found, what was expected."""
    location = tuple(error["loc"])
    key = ".".join([section.section, *(str(part) for part in location)])
    if error["type"] == "extra_forbidden":
        known = _known_keys(section, location)
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        return f"{key}: unknown parameter ({hint})"
    if error["type"] == "missing":
        return f"{key}: missing"
    found = f"found {error['input']!r} ({type(error['input']).__name__})"
    return f"{key}: {found}, expected: {error['msg'].removeprefix('Input should be ')}"


def problems_in(content: dict[str, Any], *sections: type[Section]) -> list[str]:
    """Every problem of `sections` in the content of params.yaml, one clause each; empty when all is well."""
    problems: list[str] = []
    for section in sections:
        if section.section not in content:
            close = difflib.get_close_matches(section.section, [str(key) for key in content], n=1)
            hint = f" (found {close[0]}: is it misspelt?)" if close else ""
            problems.append(f"{section.section}: missing section{hint}")
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
