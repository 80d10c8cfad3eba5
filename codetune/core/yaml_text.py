"""Read YAML 1.2: one file strictly, or many files fast.

`read_strictly` reads a file that the user wrote for this run; it rejects duplicate keys. `read_yaml` and
`read_as_strings` use the parser written in C: the app and `compare` read hundreds of files of other revisions.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from codetune.core.errors import UserError, error_text

_BOOL, _FLOAT, _INT, _NULL, _MERGE = ("tag:yaml.org,2002:" + name for name in ("bool", "float", "int", "null", "merge"))
_TOP_LEVEL = re.compile(r"(?m)^(?=[A-Za-z_])")
_NUMBERS = "-+0123456789."


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Resolves numbers, booleans and null by the rules of YAML 1.2: `no` is a string, and `1e-4` a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML requires this form; filled below


def _int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    bases = {"0b": 2, "0o": 8, "0x": 16}
    return int(text, bases.get(text.lstrip("+-")[:2].lower(), 10))


for _tag, _pattern, _first in (
    (_BOOL, "true|True|TRUE|false|False|FALSE", "tTfF"),
    (_FLOAT, (r"[-+]?(\d[\d_]*\.[\d_]*([eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+|\.[\d_]+([eE][-+]\d+)?|\.(inf|Inf|INF))"
              r"|\.(nan|NaN|NAN)"), _NUMBERS),
    (_INT, "[-+]?(0b[01_]+|0o[0-7_]+|[0-9][0-9_]*|0x[0-9a-fA-F_]+)", _NUMBERS),
    (_NULL, "~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_MERGE, "<<", "<"),
):  # fmt: skip
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$", re.ASCII), list(_first))
_Loader.add_constructor(_INT, _int)


def read_strictly(path: Path) -> Any:
    """Return the content of a YAML file; a duplicate key is an error.

    :raises UserError: if the file is missing or is not YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(path.read_bytes().decode())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", f"Restore it with `git checkout {path}`.") from None
    except OSError:
        raise
    except Exception as error:  # the parser can raise any type of error
        raise UserError(f"{path} is not valid YAML: {error_text(error)}", "Fix the line that is named.") from None


def read_as_strings(text: str | bytes) -> Any:
    """Parse a YAML text and keep every scalar as a string, exactly as written.

    :raises yaml.YAMLError: if it is not YAML.
    """
    return yaml.load(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - builds text only


def read_yaml(text: str) -> dict[str, Any]:
    """Parse a YAML text that is a mapping.

    :raises UserError: if it is not YAML or not a mapping.
    """
    try:
        content = _load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(" ".join(str(error).split()), "Fix the line that is named.") from None
    if not isinstance(content, dict):
        raise UserError(f"found {type(content).__name__}, expected a mapping", "Fix the file.")
    return content


def read_sections(text: str, known: MutableMapping[str, Any]) -> dict[str, Any]:
    """Parse a YAML text like `read_yaml`, but faster when many similar texts are read.

    The text of a top-level key that is in `known` is not parsed again.

    :param known: a cache from the text of a top-level key to its content; new texts are added.
    :raises UserError: see `read_yaml`.
    """
    content: dict[str, Any] = {}
    try:
        for part in _TOP_LEVEL.split(text):
            if part not in known:
                known[part] = _load(part)
            content.update(known[part] or {})
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return read_yaml(text)  # a key may use an anchor of another, or continue at the start of a line
    return content


def _load(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
