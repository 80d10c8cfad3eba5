"""What the files of a tree say of each other's licences: licence files, and what the REUSE specification 3.3 adds.

That specification (https://reuse.software/spec-3.3/) knows a side file for each file, and tables of path patterns:
`REUSE.toml` and the older `.reuse/dep5`.
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

from codetune.core.files import lines_of
from codetune.data.ingest.licenses import (
    UNREAD,
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
# LICENSE-APACHE, COPYING.LESSER, LICENSE-2.0: a licence of the folder.
_NAMED = re.compile(
    r"(MIT|BSD|APACHE|[AL]?GPL|LESSER|ISC|PSF|ZLIB|MPL|CC0|UNLICENSE|BOOST|BSL)([._-].*|\d.*)?|v?\d[\d.]*",
    re.IGNORECASE,
)
# LICENSE.dependencies, LICENSE-3rd-party: of what is bundled.
_BUNDLED = re.compile(r"3rd|third|part(y|ies)\b|depend|bundl|vendor|contrib|external", re.IGNORECASE)
_NO_TEXT = re.compile(r"\.(py[a-z]?|json|ya?ml|csv|html?|js|ts|css|xml|in|tmpl|toml|c|h|sh|license)$", re.IGNORECASE)
_EITHER = re.compile(r"\beither\W+of\b|\bdual[- ]licen[cs]ed\b", re.IGNORECASE)
_NOTE_CHARS = 1500
_LINK_CHARS = 200


def _name(folder: PurePosixPath) -> str:
    """The path of a folder, empty for the root."""
    return "" if folder == PurePosixPath() else str(folder)


@dataclass(frozen=True)
class FileLicense:
    """What the tree says of one file.

    :param own: goes before the file's header: a side file, or a table that overrides.
    :param beside: holds together with the header: a table that aggregates.
    :param folder: holds where neither says anything: that of the folder, or a table's.
    """

    own: License | None = None
    beside: License | None = None
    folder: License | None = None

    def judged(self, header: License | None) -> License | None:
        """The licence of a file whose header names `header`, or None."""
        said = [license_ for license_ in (self.own or header, self.beside) if license_]
        return together(said) or self.folder


class _Annotation(NamedTuple):
    pattern: re.Pattern[str]
    precedence: str
    license: License


@dataclass(frozen=True)
class LicenseFiles:
    """The licences of a tree's folders and files.

    :param folders: by folder; an empty name is that of the root.
    :param sides: by the path of the file that a side file speaks of.
    :param tables: annotations by the folder that they count paths from, the last that matches counting.
    :param prefix: of the paths that are asked, where they are counted from a folder of the tree.
    """

    folders: Mapping[str, License] = field(default_factory=dict)
    sides: Mapping[str, License] = field(default_factory=dict)
    tables: Mapping[str, list[_Annotation]] = field(default_factory=dict)
    prefix: str = ""

    def of(self, path: str, *, folders: bool = True) -> FileLicense:
        """What the tree says of the file at `path`.

        :param folders: whether that of its folder counts; not where params.yaml names one.
        """
        path = f"{self.prefix}{path}"
        nearest = [_name(parent) for parent in PurePosixPath(path).parents]
        matches = [(folder, match) for folder in nearest if (match := self._annotation(folder, path))]
        overriding = [match.license for _, match in matches if match.precedence == "override"]
        closest = matches[0][1] if matches else None
        beside = closest.license if closest and closest.precedence == "aggregate" else None
        named = {folder: match.license for folder, match in matches if match.precedence == "closest"}
        found = (named.get(folder) or self.folders.get(folder) for folder in nearest) if folders else iter(())
        return FileLicense(
            own=overriding[-1] if overriding else self.sides.get(path),
            beside=beside,
            folder=next((license_ for license_ in found if license_), None),
        )

    def _annotation(self, folder: str, path: str) -> _Annotation | None:
        inner = path.removeprefix(f"{folder}/") if folder else path
        annotations = reversed(self.tables.get(folder, []))
        return next((each for each in annotations if each.pattern.fullmatch(inner)), None)


def is_license_file(path: str) -> bool:
    """Whether a file of that name holds a licence: LICENSE, LICENCE.txt, COPYING, LICENSE-MIT.

    A name that says that it is for what the folder bundles (LICENSE.dependencies, LICENSES_bundled.txt) does not.
    """
    found = _LICENSE_FILE.search(path)
    return bool(found) and not _NO_TEXT.search(path) and not _BUNDLED.search(PurePosixPath(path).name)


def says_licenses(path: str) -> bool:
    """Whether a file of that name says something of licences, by this module's reading."""
    name = PurePosixPath(path).name
    return (
        name == _TABLE or f"/{path}".endswith(f"/{_OLD_TABLE}") or path.endswith(f".py{_SIDE}") or is_license_file(path)
    )


def _text(content: Content) -> str:
    return (content or b"").decode("utf-8", errors="replace")


def _followed(files: Mapping[str, Content], path: str) -> Content:
    """The content of a licence file; of one that is a link or holds but the path of another, that of the other."""
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
    """Whether a short text, which is no licence itself, says that one may choose."""
    text = _text(content)
    return len(text) <= _NOTE_CHARS and bool(_EITHER.search(text))


def _read(contents: Iterable[Content]) -> list[str]:
    return sorted({license_of_text(_text(content)) or UNREAD for content in contents})


def _folder_license(files: Mapping[str, Content]) -> License | None:
    """The licence of a folder with these licence files.

    Files that are named after licences (LICENSE-MIT, LICENSE-APACHE) are a choice where nothing stands beside them, or
    where that says so. Otherwise all hold. A file of another name (LICENSE_DOP) is mostly that of something bundled: it
    gives no permission to the folder, and counts alone where it takes one away.
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
    """A path pattern as a regular expression.

    :param crossing: whether `*` matches slashes, as in dep5; in REUSE.toml `**` does.
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
    return all_of(found) if all(map(is_expression, found)) else UNREAD


def _table(text: str, where: str) -> Iterator[_Annotation]:
    """Yield the annotations of a REUSE.toml that name a licence."""
    for each in tomllib.loads(text).get("annotations", []):
        if tags := each.get("SPDX-License-Identifier"):
            license_ = License(_expression(_listed(tags)), f"file {where}")
            for pattern in _listed(each["path"]):
                yield _Annotation(_glob(pattern, crossing=False), each.get("precedence", "closest"), license_)


def _old_table(text: str, where: str) -> Iterator[_Annotation]:
    """Yield the annotations of a dep5 file, whose paragraphs are separated by empty lines."""
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        headers = HeaderParser().parsestr(f"{paragraph}\n\n")
        if headers["Files"] and headers["License"]:
            license_ = License(_expression(lines_of(headers["License"])[:1]), f"file {where}")
            for pattern in headers["Files"].split():
                yield _Annotation(_glob(pattern, crossing=True), "aggregate", license_)


def _annotations(path: str, content: Content) -> list[_Annotation]:
    """The annotations of a table; one that cannot be read speaks of every file, and permits nothing."""
    read = _table if path.endswith(_TABLE) else _old_table
    try:
        if content is not None and (text := content.decode("utf-8-sig")) is not None:
            return list(read(text, path))
    except (ValueError, KeyError, AttributeError, TypeError):
        pass
    return [
        _Annotation(re.compile(".*", re.DOTALL), "aggregate", License(UNREAD, f"file {path}, which cannot be read"))
    ]


def read_license_files(files: Mapping[str, Content], prefix: str = "") -> LicenseFiles:
    """What the files of a tree that say something of licences say.

    :param files: their contents by path, None for what could not be read; of a link the path that it leads to.
    :param prefix: as of `LicenseFiles`.
    """
    folders: defaultdict[str, dict[str, Content]] = defaultdict(dict)
    sides: dict[str, License] = {}
    tables: dict[str, list[_Annotation]] = {}
    for path in files:
        folder = _name(PurePosixPath(path).parent)
        if path.endswith(f".py{_SIDE}"):
            found = tagged_license(_text(files[path]), f"file {path}")
            sides[path.removesuffix(_SIDE)] = found or License(UNREAD, f"file {path}")
        elif path.endswith(_TABLE):
            tables[folder] = _annotations(path, files[path])
        elif is_license_file(path):
            folders[folder][path] = _followed(files, path)
    for path in files:
        root = _name(PurePosixPath(path).parent.parent)
        if f"/{path}".endswith(f"/{_OLD_TABLE}") and root not in tables:  # REUSE knows one or the other
            tables[root] = _annotations(path, files[path])
    licenses = {folder: found for folder, inside in folders.items() if (found := _folder_license(inside))}
    return LicenseFiles(licenses, sides, tables, prefix)
