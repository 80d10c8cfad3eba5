"""Identify licences, and record the text that shows them.

Licences are read from SPDX tags, the metadata of a wheel, the text of a licence, and the header of a source file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cache
from typing import Any

from license_expression import (
    AND,
    OR,
    ExpressionError,
    LicenseWithExceptionSymbol,
    Licensing,
    combine_expressions,
    get_spdx_licensing,
)

from codetune.python_source.tokens import token_spans

UNKNOWN = "NOASSERTION"
# Stands for a licence statement that codetune does not understand. It is on no list of licences, so it permits nothing.
NOT_UNDERSTOOD = "LicenseRef-unread"
# SPDX identifiers of licences that require only attribution from those who use, change or redistribute the code.
PERMISSIVE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-0",
     "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "ZPL-2.1"}
)  # fmt: skip
_CLASSIFIERS = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
}
_LICENSE_WORDS = (
    (r"apache", "Apache-2.0"),
    (r"\bmit\b", "MIT"),
    (r"bsd[- ]2", "BSD-2-Clause"),
    (r"bsd", "BSD-3-Clause"),
    (r"\bisc\b", "ISC"),
    (r"\bpsf\b|python software foundation", "PSF-2.0"),
)
# Restrictive licences in the field `License` (free text) of a wheel's metadata.
_RESTRICTED = re.compile(
    r"\b[AL]?GPL|\bGNU\b|affero|non-?commercial|proprietary|commons clause|\bSSPL|\bBUSL|business source|mozilla|\bMPL"
    r"|\bEPL|eclipse|\bEUPL|\bCC[- ]BY[- ](NC|SA|ND)",
    re.IGNORECASE,
)
# Beginnings of licence texts. If a file contains several licences, the first one counts: it is that of the folder.
_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), spdx)
    for pattern, spdx in (
        (r"GNU\s+AFFERO\s+GENERAL\s+PUBLIC", "LicenseRef-AGPL"),
        (r"GNU\s+(LESSER|LIBRARY)\s+GENERAL\s+PUBLIC", "LicenseRef-LGPL"),
        (r"GNU\s+GENERAL\s+PUBLIC", "LicenseRef-GPL"),
        (r"Mozilla\s+Public\s+License", "MPL-2.0"),
        (r"Apache\s+License", "Apache-2.0"),
        (r"MIT\s+License|Permission\s+is\s+hereby\s+granted,\s+free\s+of\s+charge", "MIT"),
        (r"Redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms", "BSD-3-Clause"),
        (r"PYTHON\s+SOFTWARE\s+FOUNDATION\s+LICENSE", "PSF-2.0"),
        (r"Permission\s+to\s+use,\s+copy,\s+modify,\s+and/?(or)?\s+distribute\s+this\s+software\s+for", "ISC"),
        (r"Permission\s+to\s+use,\s+copy,\s+modify,?\s+and\s+distribute\s+this\s+software\s+and\s+its", "HPND"),
        (r"free\s+and\s+unencumbered\s+software", "Unlicense"),
        (r"Boost\s+Software\s+License", "BSL-1.0"),
        (r"CC0\s+1\.0\s+Universal", "CC0-1.0"),
        (r"provided\s+'as-is',\s+without\s+any\s+express\s+or\s+implied\s+warranty", "Zlib"),
    )
)
# Restrictions that authors add to a permissive licence text.
_CONDITIONS = re.compile(r"Commons\W+Clause|non-?commercial|for\s+Good,\s+not\s+Evil", re.IGNORECASE)
_TEXT_CHARS, _EXPRESSION_CHARS = 1500, 1000
# Comments, blank lines and strings before the first statement.
_HEADER = re.compile(r"\A\ufeff?(?:[ \t]*(?:#[^\n]*)?(?:\n|\Z)|[rRuU]?(?P<quote>\"{3}|'{3})[\s\S]*?(?P=quote))*")
_HEADER_CHARS = 8000
_TAG = re.compile(r"SPDX-License-Identifier:(?P<expression>[^\n]*)")
# The end of the comment or string that contains a tag.
_CLOSING = re.compile(r"[\s\"'`*/>-]+\Z")
_COPYLEFT = (
    (re.compile(r"\bGNU Affero General Public License\b|\bAGPL"), "LicenseRef-AGPL"),
    (re.compile(r"\bGNU (Lesser|Library) General Public License\b|\bLGPL"), "LicenseRef-LGPL"),
    (re.compile(r"\bGNU General Public License\b|\bGPL(?![- ]?compatible)"), "LicenseRef-GPL"),
    (re.compile(r"\bCC[- ]BY[- ](NC|SA|ND)\b|\bAttribution-(NonCommercial|ShareAlike)\b"), "LicenseRef-CC-restricted"),
    (re.compile(r"\b(proprietary and confidential|confidential and proprietary)\b", re.IGNORECASE),
     "LicenseRef-proprietary"),
    (re.compile(r"\bMozilla Public License\b"), "MPL-2.0"),
    (re.compile(r"\b(Eclipse Public License|European Union Public Licen[cs]e"
                r"|Common Development and Distribution License|Server Side Public License|Business Source License"
                r"|Commons Clause)\b"), "LicenseRef-restricted"),
)  # fmt: skip

# "GPL 2, W3C, BSD, or MIT": the user may choose.
_CHOICE = re.compile(r"[^\n]*\bor\b[^\n]*\b(MIT|BSD|Apache)\b")


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()


@cache
def _parsed(expression: str) -> Any | None:
    """Return the tree of an SPDX expression, with identifiers in the spelling of SPDX; None if it is not valid."""
    try:
        tree = _spdx().parse(expression) if len(expression) <= _EXPRESSION_CHARS else None
    except (ExpressionError, RecursionError):
        return None
    return None if tree is None or any(" " in key for key in _spdx().license_keys(tree)) else tree  # prose


def is_expression(text: str) -> bool:
    """Return whether a text is an SPDX expression. It may name licences that SPDX does not list."""
    return _parsed(text) is not None


def all_of(expressions: Iterable[str]) -> str:
    """Join SPDX expressions with AND: all of them are required."""
    return str(combine_expressions(list(expressions), relation="AND", licensing=_spdx()))


def any_of(expressions: Iterable[str]) -> str:
    """Join SPDX expressions with OR: one of them is enough."""
    return str(combine_expressions(list(expressions), relation="OR", licensing=_spdx()))


def _allowed(tree: Any, allowed: Collection[str]) -> bool:
    if isinstance(tree, AND):
        return all(_allowed(part, allowed) for part in tree.args)
    if isinstance(tree, OR):
        return any(_allowed(part, allowed) for part in tree.args)
    if str(tree) in allowed:
        return True
    if isinstance(tree, LicenseWithExceptionSymbol):  # an exception that SPDX lists adds permissions to the licence
        exception = _spdx().known_symbols.get(tree.exception_symbol.key)
        listed = exception is not None and exception.is_exception and not exception.key.startswith("LicenseRef-")
        return listed and _allowed(tree.license_symbol, allowed)
    return str(tree).endswith("+") and str(tree)[:-1] in allowed  # "+": "or later"; this version is enough


def permits(expression: str, allowed: Collection[str]) -> bool:
    """Return whether an SPDX expression is satisfied by the licences in `allowed`.

    AND needs both sides, OR needs one; AND binds closer than OR. An exception (WITH) that SPDX lists adds permissions,
    so only its licence must be allowed. A text that is not an SPDX expression is never satisfied.
    """
    tree = _parsed(expression)
    return tree is not None and _allowed(tree, {str(_parsed(name) or name) for name in allowed})


@dataclass(frozen=True)
class License:
    """A licence.

    :param expression: SPDX expression.
    :param evidence: the text that it was read from.
    """

    expression: str
    evidence: str

    @property
    def permissive(self) -> bool:
        """Whether the permissive licences (`PERMISSIVE`) satisfy the expression."""
        return permits(self.expression, PERMISSIVE)


def together(licenses: Iterable[License]) -> License | None:
    """Join licences with AND, each expression once; None if there are none."""
    distinct = {license_.expression: license_ for license_ in reversed(list(licenses))}
    found = list(reversed(distinct.values()))
    if len(found) < 2:  # noqa: PLR2004
        return next(iter(found), None)
    return License(all_of(each.expression for each in found), "; ".join(each.evidence for each in found))


def _classified(headers: Message) -> list[License]:
    """Return the licences in the classifiers of a wheel; an unknown one becomes `NOT_UNDERSTOOD`."""
    found = []
    for classifier in headers.get_all("Classifier", []):
        group, *_, name = (part.strip() for part in classifier.split("::"))
        if group == "License" and name not in {"License", "OSI Approved"}:  # these two are headings
            found.append(License(_CLASSIFIERS.get(name, NOT_UNDERSTOOD), f"Classifier: {classifier}"))
    return found


def _free_field(field: str) -> License | None:
    """Return the licence in a field of free text: an SPDX expression or known words; None if there is neither."""
    if field and is_expression(field) and not _spdx().unknown_license_keys(field):
        return License(field, f"License: {field}")
    if _RESTRICTED.search(field):
        return License(NOT_UNDERSTOOD, f"License: {field}")
    spdx = next((spdx for pattern, spdx in _LICENSE_WORDS if re.search(pattern, field, re.IGNORECASE)), None)
    return License(spdx, f"License: {field}") if spdx else None


def named_license(text: str, column: str) -> License:
    """Return the licence that a table cell names; `NOT_UNDERSTOOD`, which permits nothing, if it is not understood.

    :param text: the content of the cell.
    :param column: name of its column, for the evidence.
    """
    found = _free_field(text)
    evidence = f"column {column}: {text[:_EXPRESSION_CHARS]}"
    return License(_canonical(found.expression) if found else NOT_UNDERSTOOD, evidence)


def _canonical(expression: str) -> str:
    """Return an expression with identifiers in the spelling of SPDX: `mit` becomes `MIT`."""
    tree = _parsed(expression)
    return expression if tree is None else str(tree)


def parse_license(metadata: str) -> License | None:
    """Return the licence in the METADATA of a wheel; None if it names none.

    An expression (PEP 639) goes first, then the classifiers, then the field `License`. Several classifiers do not say
    whether the user may choose. So all of them are required, unless `License` names a licence that is understood. A
    restrictive text in `License` applies together with the classifiers.

    :param metadata: the content of METADATA.
    """
    headers = HeaderParser().parsestr(metadata)
    if expression := headers.get("License-Expression"):
        return License(expression.strip(), f"License-Expression: {expression.strip()}")
    classified = _classified(headers)
    field = _free_field(" ".join((headers.get("License") or "").split())[:200])
    if field and (len(classified) != 1 and field.expression != NOT_UNDERSTOOD):
        return field
    return together([*classified, *([field] if field and not (classified and field.permissive) else [])])


def _without_closing(text: str) -> str:
    return _CLOSING.sub("", text).strip()


def tagged_license(text: str, origin: str, tags: Iterable[re.Match[str]] | None = None) -> License | None:
    """Return the licence in the SPDX tags of a text; None if it has no tags.

    All tags are required together. A tag that is not understood becomes `NOT_UNDERSTOOD`, which permits nothing.

    :param origin: a name for the text, for the evidence.
    :param tags: the matches that count; None for all tags of the text.
    """
    found = []
    for tag in _TAG.finditer(text) if tags is None else tags:
        expression = _without_closing(tag["expression"])
        spdx = expression if is_expression(expression) else NOT_UNDERSTOOD
        found.append(License(spdx, f"{origin}: {_without_closing(tag[0])[:200]}"))
    return together(found)


def license_of_text(text: str) -> str | None:
    """Return the SPDX expression of a licence text, by its first characters; None if it is not a known licence."""
    head = text[:_TEXT_CHARS]
    if tagged := tagged_license(head, ""):
        return tagged.expression
    if _CONDITIONS.search(head):
        return NOT_UNDERSTOOD
    found = [(match.start(), spdx) for pattern, spdx in _TEXTS if (match := pattern.search(head))]
    spdx = min(found, default=(0, None))[1]
    return "BSD-2-Clause" if spdx == "BSD-3-Clause" and "either the name" not in text else spdx


def _own_tags(text: str, header_end: int) -> Iterator[re.Match[str]]:
    """Yield the SPDX tags in the header and in the comments of a source file. Tags in later strings are data."""
    tags = list(_TAG.finditer(text))
    try:
        later = any(tag.start() >= header_end for tag in tags)
        code = list(token_spans(text)) if later else []
    except SyntaxError:
        code = []
    for tag in tags:
        if tag.start() < header_end or not any(start <= tag.start() < end for start, end in code):
            yield tag


def header_license(text: str) -> License | None:
    """Return the licence that a source file names itself; None if it names none.

    SPDX tags go first, then the names of restrictive licences before the first statement.

    :param text: the source.
    """
    match = _HEADER.match(text[:_HEADER_CHARS])
    header = match[0] if match else ""
    if tagged := tagged_license(text, "file header", _own_tags(text, len(header))):
        return tagged
    for pattern, expression in _COPYLEFT:
        words = pattern.search(header)
        if words and not _CHOICE.match(header, words.start()):
            return License(expression, f"file header: {words[0]}")
    return None
