"""Licences, with the evidence: of a wheel's metadata, of a folder's licence file, of a file's own header."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import PurePosixPath

UNKNOWN = "NOASSERTION"
# SPDX identifiers that let code be used, changed and passed on with attribution alone.
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
# What a licence file begins with. A bundle of licences is judged by its first, which is that of the folder itself.
_TEXTS = (
    (re.compile(r"GNU\s+AFFERO\s+GENERAL\s+PUBLIC", re.IGNORECASE), "LicenseRef-AGPL"),
    (re.compile(r"GNU\s+(LESSER|LIBRARY)\s+GENERAL\s+PUBLIC", re.IGNORECASE), "LicenseRef-LGPL"),
    (re.compile(r"GNU\s+GENERAL\s+PUBLIC", re.IGNORECASE), "LicenseRef-GPL"),
    (re.compile(r"Mozilla\s+Public\s+License", re.IGNORECASE), "MPL-2.0"),
    (re.compile(r"Apache\s+License", re.IGNORECASE), "Apache-2.0"),
    (re.compile(r"MIT\s+License|Permission\s+is\s+hereby\s+granted,\s+free\s+of\s+charge", re.IGNORECASE), "MIT"),
    (re.compile(r"Redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms", re.IGNORECASE), "BSD-3-Clause"),
    (re.compile(r"PYTHON\s+SOFTWARE\s+FOUNDATION\s+LICENSE", re.IGNORECASE), "PSF-2.0"),
)
_TEXT_CHARS = 1500
_LICENSE_FILE = re.compile(r"(^|/)(LICEN[CS]E|COPYING)([.-][^/]*)?$", re.IGNORECASE)
# Comments, blank lines and strings before the first statement.
_HEADER = re.compile(r"\A\ufeff?(?:[ \t]*(?:#[^\n]*)?(?:\n|\Z)|[rRuU]?(?P<quote>\"{3}|'{3})[\s\S]*?(?P=quote))*")
_HEADER_CHARS = 8000
_SPDX = re.compile(r"SPDX-License-Identifier:\s*(?P<expression>[A-Za-z0-9][A-Za-z0-9 .+()-]*[A-Za-z0-9.+)])")
_COPYLEFT = (
    (re.compile(r"\bGNU Affero General Public License\b|\bAGPL"), "LicenseRef-AGPL"),
    (re.compile(r"\bGNU (Lesser|Library) General Public License\b|\bLGPL"), "LicenseRef-LGPL"),
    (re.compile(r"\bGNU General Public License\b|\bGPL(?![- ]?compatible)"), "LicenseRef-GPL"),
    (re.compile(r"\bCC[- ]BY[- ](NC|SA|ND)\b|\bAttribution-(NonCommercial|ShareAlike)\b"), "LicenseRef-CC-restricted"),
    (re.compile(r"\b(proprietary and confidential|confidential and proprietary)\b", re.IGNORECASE),
     "LicenseRef-proprietary"),
)  # fmt: skip

# "GPL 2, W3C, BSD, or MIT": whoever reads it may choose.
_CHOICE = re.compile(r"[^\n]*\bor\b[^\n]*\b(MIT|BSD|Apache)\b")


def permits(expression: str, allowed: Collection[str]) -> bool:
    """Whether every licence that an SPDX expression requires is among `allowed`; of alternatives, one is enough."""
    alternatives = re.sub(r"[()]", " ", expression).split(" OR ")
    return any(all(part.strip() in allowed for part in alternative.split(" AND ")) for alternative in alternatives)


@dataclass(frozen=True)
class License:
    """An SPDX expression, and the line it was read from."""

    expression: str
    evidence: str

    @property
    def permissive(self) -> bool:
        """Whether every licence that the expression requires is on the permissive list."""
        return permits(self.expression, PERMISSIVE)


def parse_license(metadata: str) -> License | None:
    """The licence named in a wheel's METADATA (PEP 639 expression, then classifier, then the free field)."""
    headers = HeaderParser().parsestr(metadata)
    if expression := headers.get("License-Expression"):
        return License(expression.strip(), f"License-Expression: {expression.strip()}")
    for classifier in headers.get_all("Classifier", []):
        if classifier.startswith("License ::") and (spdx := _CLASSIFIERS.get(classifier.split(" :: ")[-1])):
            return License(spdx, f"Classifier: {classifier}")
    field = " ".join((headers.get("License") or "").split())[:200]
    for pattern, spdx in _LICENSE_WORDS:
        if re.search(pattern, field, re.IGNORECASE) and not re.search(r"\bL?GPL", field):
            return License(spdx, f"License: {field}")
    return None


def is_license_file(path: str) -> bool:
    """Whether a file of that name holds a licence: LICENSE, LICENCE.txt, COPYING, LICENSE-MIT."""
    return bool(_LICENSE_FILE.search(path)) and not path.endswith(".py")


def license_of_text(text: str) -> str | None:
    """The SPDX identifier of a licence's text, by how it begins; None when it is none that is known."""
    head = text[:_TEXT_CHARS]
    found = [(match.start(), spdx) for pattern, spdx in _TEXTS if (match := pattern.search(head))]
    spdx = min(found, default=(0, None))[1]
    return "BSD-2-Clause" if spdx == "BSD-3-Clause" and "either the name" not in text else spdx


def licenses_by_folder(files: Mapping[str, bytes]) -> dict[str, License]:
    """The licence of every folder that holds a licence file; an empty name is that of the root.

    A folder under several licences (LICENSE-MIT beside LICENSE-APACHE) may be used under any of them.

    :param files: contents of licence files by path.
    """
    found: dict[str, dict[str, str]] = {}
    for path, content in sorted(files.items()):
        if spdx := license_of_text(content.decode("utf-8", errors="replace")):
            found.setdefault(str(PurePosixPath(path).parent).removeprefix("."), {})[spdx] = path
    return {
        folder: License(" OR ".join(sorted(spdx)), f"file {', '.join(sorted(spdx.values()))}")
        for folder, spdx in found.items()
    }


def folder_license(licenses: Mapping[str, License], path: str) -> License | None:
    """The licence of the nearest folder above `path` that has one."""
    folders = (str(parent).removeprefix(".") for parent in PurePosixPath(path).parents)
    return next((licenses[folder] for folder in folders if folder in licenses), None)


def header_license(text: str) -> License | None:
    """The licence that a source file names before its first statement, or None."""
    match = _HEADER.match(text[:_HEADER_CHARS])
    header = match[0] if match else ""
    if spdx := _SPDX.search(header):
        return License(spdx["expression"].strip(), f"file header: {spdx[0]}")
    for pattern, expression in _COPYLEFT:
        words = pattern.search(header)
        if words and not _CHOICE.match(header, words.start()):
            return License(expression, f"file header: {words[0]}")
    return None
