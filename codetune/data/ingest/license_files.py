"""Find the licence of a source file in the other files of its tree: licence files, and the files of REUSE 3.3.

The REUSE specification (https://reuse.software/spec-3.3/) defines side files, one per source file (`a.py.license`), and
tables that give a licence to path patterns: `REUSE.toml` and the older `.reuse/dep5`.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from codetune.core.files import split_lines
from codetune.data.ingest.licenses import (
    NOT_UNDERSTOOD,
    License,
    all_of,
    any_of,
    is_expression,
    license_of_text,
    tagged_license,
    together,
)

Content = bytes | None
_TABLE, _OLD_TABLE, _SIDE = "REUSE.toml", ".reuse/dep5", ".license"
_LICENSE_FILE = re.compile(
    r"(^|/)(?:(?P<before>MIT|BSD|APACHE|GPL)[-_])?(UN)?(LICEN[CS]E|COPYING)(?P<number>\d*)"
    r"(?:[._-](?P<after>[^/]*?))?(\.(txt|md|rst))?$",
    re.IGNORECASE,
)
_DOCUMENT = frozenset({"", "txt", "md", "rst"})
# LICENSE-APACHE, COPYING.LESSER, LICENSE-2.0: named after a licence, and valid for the folder.
_NAMED = re.compile(
    r"(MIT|BSD|APACHE|[AL]?GPL|LESSER|ISC|PSF|ZLIB|MPL|CC0|UNLICENSE|BOOST|BSL)([._-].*|\d.*)?|v?\d[\d.]*",
    re.IGNORECASE,
)
# LICENSE.dependencies, LICENSE-3rd-party: the licence of bundled code, not of the folder.
_BUNDLED = re.compile(r"3rd|third|part(y|ies)\b|depend|bundl|vendor|contrib|external", re.IGNORECASE)
_NO_TEXT = re.compile(r"\.(py[a-z]?|json|ya?ml|csv|html?|js|ts|css|xml|in|tmpl|toml|c|h|sh|license)$", re.IGNORECASE)
_EITHER = re.compile(r"\beither\W+of\b|\bdual[- ]licen[cs]ed\b", re.IGNORECASE)
_NOTE_CHARS = 1500
_LINK_CHARS = 200


def _name(folder: PurePosixPath) -> str:
    """Return the path of a folder; empty for the root."""
    return "" if folder == PurePosixPath() else str(folder)


@dataclass(frozen=True)
class FileLicense:
    """The licence information that the tree has about one file.

    :param own: replaces the licence in the file's header: from a side file, or a table entry with `override`.
    :param additional: applies together with the licence in the header: from a table entry with `aggregate`.
    :param folder: applies if there is no other licence: that of the folder, or a table entry with `closest`.
    """

    own: License | None = None
    additional: License | None = None
    folder: License | None = None

    def resolve(self, header: License | None) -> License | None:
        """Return the licence of the file, or None.

        :param header: the licence that the header of the file names.
        """
        said = [license_ for license_ in (self.own or header, self.additional) if license_]
        return together(said) or self.folder


class _Annotation(NamedTuple):
    pattern: re.Pattern[str]
    precedence: str
    license: License


@dataclass(frozen=True)
class LicenseFiles:
    """The licence information of a tree.

    :param folders: licence by folder; the empty name is the root.
    :param side_files: licence from a side file, by the path of the source file.
    :param tables: entries of a REUSE table, by the folder that their paths are relative to; the last match counts.
    :param prefix: put before the paths that are looked up, if they are relative to a folder of the tree.
    """

    folders: Mapping[str, License] = field(default_factory=dict)
    side_files: Mapping[str, License] = field(default_factory=dict)
    tables: Mapping[str, list[_Annotation]] = field(default_factory=dict)
    prefix: str = ""

    def of(self, path: str, *, folders: bool = True) -> FileLicense:
        """Return the licence information about the file at `path`.

        :param folders: whether the licence of its folder counts; False if params.yaml names a licence.
        """
        path = f"{self.prefix}{path}"
        nearest = [_name(parent) for parent in PurePosixPath(path).parents]
        matches = [(folder, match) for folder in nearest if (match := self._annotation(folder, path))]
        overriding = [match.license for _, match in matches if match.precedence == "override"]
        closest = matches[0][1] if matches else None
        additional = closest.license if closest and closest.precedence == "aggregate" else None
        named = {folder: match.license for folder, match in matches if match.precedence == "closest"}
        found = (named.get(folder) or self.folders.get(folder) for folder in nearest) if folders else iter(())
        return FileLicense(
            own=overriding[-1] if overriding else self.side_files.get(path),
            additional=additional,
            folder=next((license_ for license_ in found if license_), None),
        )

    def _annotation(self, folder: str, path: str) -> _Annotation | None:
        inner = path.removeprefix(f"{folder}/") if folder else path
        annotations = reversed(self.tables.get(folder, []))
        return next((each for each in annotations if each.pattern.fullmatch(inner)), None)


def is_license_file(path: str) -> bool:
    """Return whether a file name is that of a licence file: LICENSE, LICENCE.txt, COPYING, LICENSE-MIT.

    Names that refer to bundled code (LICENSE.dependencies, LICENSES_bundled.txt) do not count.
    """
    found = _LICENSE_FILE.search(path)
    return bool(found) and not _NO_TEXT.search(path) and not _BUNDLED.search(PurePosixPath(path).name)


def has_license_info(path: str) -> bool:
    """Return whether this module reads files of that name: licence files, side files and REUSE tables."""
    name = PurePosixPath(path).name
    return (
        name == _TABLE or f"/{path}".endswith(f"/{_OLD_TABLE}") or path.endswith(f".py{_SIDE}") or is_license_file(path)
    )


def _text(content: Content) -> str:
    return (content or b"").decode("utf-8", errors="replace")


def _followed(files: Mapping[str, Content], path: str) -> Content:
    """Return the content of a licence file.

    If it is a link, or contains only the path of another licence file, return the content of that file.
    """
    seen = {path}
    while True:
        content = files[path]
        target = _text(content).strip()
        if not target or len(target) > _LINK_CHARS or "\n" in target:
            return content
        path = _joined(str(PurePosixPath(path).parent), target)
        if path in seen or path not in files:
            return content
        seen.add(path)


def _joined(folder: str, target: str) -> str:
    parts: list[str] = []
    for part in PurePosixPath(folder, target).parts:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/".join(parts)


def _kind(path: str) -> Literal["plain", "named", "other"]:
    found = _LICENSE_FILE.search(path)
    after = (found["after"] or "").lower() if found else ""
    if found and (found["before"] or (after not in _DOCUMENT and _NAMED.fullmatch(after))):
        return "named"
    return "plain" if after in _DOCUMENT else "other"


def _offers_choice(content: Content) -> bool:
    """Return whether a short text, which is not a licence itself, says that the user may choose a licence."""
    text = _text(content)
    return len(text) <= _NOTE_CHARS and bool(_EITHER.search(text))


def _read(contents: Iterable[Content]) -> list[str]:
    return sorted({license_of_text(_text(content)) or NOT_UNDERSTOOD for content in contents})


def _folder_license(files: Mapping[str, Content]) -> License | None:
    """Return the licence of a folder with these licence files.

    Files that are named after licences (LICENSE-MIT, LICENSE-APACHE) are alternatives if there is no plain licence file
    in the folder, or if each plain file says that the user may choose. Otherwise all licences apply together.

    A file with another name (LICENSE_DOP) usually belongs to bundled code. It counts only if there are no files of the
    other kinds and its licence is not permissive.
    """
    kinds: defaultdict[str, dict[str, Content]] = defaultdict(dict)
    for path, content in sorted(files.items()):
        kinds[_kind(path)][path] = content
    plain, named, other = kinds["plain"], kinds["named"], kinds["other"]
    if named and all(map(_offers_choice, plain.values())):
        return License(any_of(_read(named.values())), f"file {', '.join(named)}")
    counted = plain | named or other
    found = License(all_of(_read(counted.values())), f"file {', '.join(counted)}")
    return None if counted is other and found.permissive else found


def _glob(pattern: str, *, crossing: bool) -> re.Pattern[str]:
    """Translate a path pattern to a regular expression.

    :param crossing: whether `*` matches slashes, as in dep5; in REUSE.toml only `**` matches them.
    """
    found = re.findall(r"\\.|\*+|\?|[^\\*?]+|\\", pattern, re.DOTALL)
    return re.compile("".join(_glob_part(part, crossing=crossing) for part in found), re.DOTALL)


def _glob_part(part: str, *, crossing: bool) -> str:
    if part[0] == "*":
        return ".*" if crossing or len(part) > 1 else "[^/]*"
    if part == "?" and crossing:
        return "."
    return re.escape(part[1:] if part[0] == "\\" and len(part) > 1 else part)


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each if isinstance(each, str) else "" for each in values]


def _expression(values: Iterable[str]) -> str:
    found = [value.strip() for value in values]
    return all_of(found) if all(map(is_expression, found)) else NOT_UNDERSTOOD


def _table(text: str, where: str) -> Iterator[_Annotation]:
    """Yield the entries of a REUSE.toml that name a licence."""
    for each in tomllib.loads(text).get("annotations", []):
        if tags := each.get("SPDX-License-Identifier"):
            license_ = License(_expression(_listed(tags)), f"file {where}")
            for pattern in _listed(each["path"]):
                yield _Annotation(_glob(pattern, crossing=False), each.get("precedence", "closest"), license_)


def _old_table(text: str, where: str) -> Iterator[_Annotation]:
    """Yield the entries of a dep5 file. They are paragraphs, separated by empty lines."""
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        headers = HeaderParser().parsestr(f"{paragraph}\n\n")
        if headers["Files"] and headers["License"]:
            license_ = License(_expression(split_lines(headers["License"])[:1]), f"file {where}")
            for pattern in headers["Files"].split():
                yield _Annotation(_glob(pattern, crossing=True), "aggregate", license_)


def _annotations(path: str, content: Content) -> list[_Annotation]:
    """Return the entries of a REUSE table.

    If it cannot be read, return one entry that matches every file and permits nothing.
    """
    read = _table if path.endswith(_TABLE) else _old_table
    try:
        if content is not None and (text := content.decode("utf-8-sig")) is not None:
            return list(read(text, path))
    except (ValueError, KeyError, AttributeError, TypeError):
        pass
    return [
        _Annotation(
            re.compile(".*", re.DOTALL), "aggregate", License(NOT_UNDERSTOOD, f"file {path}, which cannot be read")
        )
    ]


def read_license_files(files: Mapping[str, Content], prefix: str = "") -> LicenseFiles:
    """Read the licence information of a tree.

    :param files: contents of the files that `has_license_info` selects, by path: bytes; the target path of a link; None
        for a file that cannot be read.
    :param prefix: see `LicenseFiles`.
    """
    folders: defaultdict[str, dict[str, Content]] = defaultdict(dict)
    side_files: dict[str, License] = {}
    tables: dict[str, list[_Annotation]] = {}
    for path in files:
        folder = _name(PurePosixPath(path).parent)
        if path.endswith(f".py{_SIDE}"):
            found = tagged_license(_text(files[path]), f"file {path}")
            side_files[path.removesuffix(_SIDE)] = found or License(NOT_UNDERSTOOD, f"file {path}")
        elif path.endswith(_TABLE):
            tables[folder] = _annotations(path, files[path])
        elif is_license_file(path):
            folders[folder][path] = _followed(files, path)
    for path in files:
        root = _name(PurePosixPath(path).parent.parent)
        if f"/{path}".endswith(f"/{_OLD_TABLE}") and root not in tables:  # REUSE allows only one of the two
            tables[root] = _annotations(path, files[path])
    licenses = {folder: found for folder, inside in folders.items() if (found := _folder_license(inside))}
    return LicenseFiles(licenses, side_files, tables, prefix)
