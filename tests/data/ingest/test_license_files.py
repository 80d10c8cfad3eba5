"""Licence files of folders, and side files and tables of REUSE."""

import pytest

from codetune.data.ingest.license_files import is_license_file, read_license_files
from codetune.data.ingest.licenses import NOT_UNDERSTOOD, License

MIT, GPL = b"MIT License\n\nCopyright", b"\n\n   GNU GENERAL PUBLIC LICENSE\n   Version 3"
APACHE, OWN = b"Apache License\nVersion 2.0", b"All rights reserved."
EITHER = (
    b"This software is made available under the terms of *either* of the licenses in LICENSE.APACHE or LICENSE.MIT."
)
TAG = b"SPDX-License-Identifier: "


def expression(files, path, header=None, **options):
    found = read_license_files(files).of(path, **options).resolve(License(header, "header") if header else None)
    return found.expression if found else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/LICENSE", True),
        ("COPYING.LESSER", True),
        ("LICENCE-MIT", True),
        ("LICENSE_MIT.txt", True),
        ("MIT-LICENSE.txt", True),
        ("UNLICENSE", True),
        ("license.py", False),
        ("license.json", False),
        ("licenses/x", False),
        ("LICENSES.dependencies", False),
        ("LICENSE.dependencies", False),
        ("LICENSE-3rd-party.txt", False),
        ("LICENSE_THIRD_PARTY", False),
        ("LICENSES_bundled.txt", False),
    ],
)
def test_names_of_licence_files(name, expected):
    assert is_license_file(name) is expected


def test_nearest_folder_counts():
    files = {"LICENSE": MIT, "a/_vendor/b/COPYING": GPL}
    found = read_license_files(files)
    assert found.of("a/core.py").folder.expression == "MIT"
    inner = found.of("a/_vendor/b/deep/core.py").folder
    assert (inner.expression, inner.evidence) == ("LicenseRef-GPL", "file a/_vendor/b/COPYING")
    assert expression({}, "c/core.py") is None
    assert expression(files, "a/core.py", folders=False) is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"LICENSE-MIT": MIT, "LICENSE-APACHE": APACHE}, "Apache-2.0 OR MIT"),
        ({"LICENSE": EITHER, "LICENSE.MIT": MIT, "LICENSE.APACHE": APACHE}, "Apache-2.0 OR MIT"),
        ({"LICENSE": MIT, "COPYING": GPL}, "LicenseRef-GPL AND MIT"),
        ({"LICENSE": GPL, "LICENSE-MIT": MIT}, "LicenseRef-GPL AND MIT"),
        ({"COPYING": GPL, "LICENSE.numpy": MIT}, "LicenseRef-GPL"),
        ({"COPYING": GPL, "LICENSE.dependencies": MIT, "licenses/LICENSE": MIT}, "LicenseRef-GPL"),
        ({"LICENSE": MIT, "LICENSE.enterprise": OWN}, "MIT"),
        ({"LICENSE_DOP": MIT}, None),
        ({"LICENSE.enterprise": OWN}, NOT_UNDERSTOOD),
        ({"LICENSE-2.0.txt": APACHE}, "Apache-2.0"),
    ],
)
def test_several_licence_files(files, expected):
    assert expression(files, "a.py") == expected


@pytest.mark.parametrize("content", [OWN, b"", None, b"../elsewhere/LICENSE"])
def test_what_cannot_be_read_permits_nothing(content):
    assert expression({"LICENSE": MIT, "c/LICENSE": content}, "c/core.py") == NOT_UNDERSTOOD


def test_links_lead_to_the_licence_of_another_folder():
    files = {"LICENSE": MIT, "c/LICENSE": b"../LICENSE", "d/LICENSE": b"../e/LICENSE\n", "e/LICENSE": b"../d/LICENSE"}
    assert expression(files, "c/core.py") == "MIT"
    assert expression(files, "d/core.py") == NOT_UNDERSTOOD


def test_a_hidden_folder_is_not_one_without_the_dot():
    assert expression({".a/LICENSE": GPL}, "a/core.py") is None


def test_side_file_goes_before_the_header():
    files = {"a.py.license": TAG + b"GPL-3.0-only\n" + TAG + b"MIT\n", "b.py.license": b"mine", "c.py.license": None}
    assert expression(files, "a.py", header="ISC") == "GPL-3.0-only AND MIT"
    assert expression(files, "a.py", folders=False) == "GPL-3.0-only AND MIT"
    assert [expression(files, path) for path in ("b.py", "c.py", "d.py")] == [NOT_UNDERSTOOD, NOT_UNDERSTOOD, None]


def table(path, spdx, precedence=""):
    line = f'precedence = "{precedence}"\n' if precedence else ""
    return f"version = 1\n[[annotations]]\npath = {path}\nSPDX-License-Identifier = {spdx}\n{line}".encode()


@pytest.mark.parametrize(
    ("content", "path", "header", "expected"),
    [
        (table('"a.py"', '"GPL-3.0-only"'), "a.py", None, "GPL-3.0-only"),
        (table('"a.py"', '"GPL-3.0-only"'), "a.py", "MIT", "MIT"),
        (table('"a.py"', '"GPL-3.0-only"', "aggregate"), "a.py", "MIT", "MIT AND GPL-3.0-only"),
        (table('"a.py"', '"GPL-3.0-only"', "override"), "a.py", "MIT", "GPL-3.0-only"),
        (table('["x.py", "a/*"]', '["MIT", "ISC"]'), "a/b.py", None, "MIT AND ISC"),
        (table('"a/*"', '"MIT"'), "a/b/c.py", None, "BSD-3-Clause"),
        (table('"a/**"', '"MIT"'), "a/b/c.py", None, "MIT"),
        (table("'a\\*.py'", '"MIT"'), "a*.py", None, "MIT"),
        (table("'a\\*.py'", '"MIT"'), "ab.py", None, "BSD-3-Clause"),
        (table('"**"', '"MIT"') + table('"a.py"', '"GPL-2.0-only"')[12:], "a.py", None, "GPL-2.0-only"),
        (table('"**"', '"MIT, mostly"'), "a.py", None, NOT_UNDERSTOOD),
        (table('"**"', "7"), "a.py", None, NOT_UNDERSTOOD),
        (b"version = ", "a.py", None, NOT_UNDERSTOOD),
        (b"\xff", "a.py", "MIT", f"MIT AND {NOT_UNDERSTOOD}"),
        (b'annotations = ["x"]', "a.py", None, NOT_UNDERSTOOD),
        (b'[[annotations]]\nSPDX-License-Identifier = "MIT"', "a.py", None, NOT_UNDERSTOOD),
        (b'[[annotations]]\npath = "a.py"\nSPDX-FileCopyrightText = "me"', "a.py", None, "BSD-3-Clause"),
    ],
)
def test_table(content, path, header, expected):
    files = {"REUSE.toml": content, "LICENSE": TAG + b"BSD-3-Clause"}
    assert expression(files, path, header) == expected


def test_nearer_tables_and_files_go_first_but_for_what_overrides():
    files = {"REUSE.toml": table('"**"', '"GPL-3.0-only"'), "a/REUSE.toml": table('"b.py"', '"MIT"'), "c/LICENSE": MIT}
    assert [expression(files, path) for path in ("a/b.py", "a/c.py", "c/d.py")] == ["MIT", "GPL-3.0-only", "MIT"]
    files["REUSE.toml"] = table('"**"', '"GPL-3.0-only"', "override")
    assert expression(files, "a/b.py") == "GPL-3.0-only"


DEP5 = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: Ada
License: MIT

Files: a/*.py
 b.py
Copyright: Ada
License: GPL-3.0-only
 A text.
"""


def test_old_table():
    files = {".reuse/dep5": DEP5}
    assert [expression(files, path) for path in ("x.py", "a/b/c.py", "b.py")] == ["MIT", "GPL-3.0-only", "GPL-3.0-only"]
    assert expression(files, "b.py", header="ISC") == "ISC AND GPL-3.0-only"
    assert expression({".reuse/dep5": b"\xff"}, "b.py") == NOT_UNDERSTOOD
