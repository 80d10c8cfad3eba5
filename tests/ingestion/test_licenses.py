"""Licences of headers, of licence files, and of the folders these stand in."""

import pytest

from codetune.ingestion.licenses import folder_license, header_license, is_license_file, licenses_by_folder

MIT, GPL = b"MIT License\n\nCopyright", b"\n\n   GNU GENERAL PUBLIC LICENSE\n   Version 3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# SPDX-License-Identifier: MIT OR Apache-2.0\nx = 1", "MIT OR Apache-2.0"),
        ("#!/usr/bin/env python\n\n# Licensed under the GNU Lesser General Public License\n", "LicenseRef-LGPL"),
        ('"""A parser.\n\nLicence: GPL v3\n"""\nimport x', "LicenseRef-GPL"),
        ("# AGPLv3 only\n", "LicenseRef-AGPL"),
        ("# CC BY-NC 4.0\n", "LicenseRef-CC-restricted"),
        ("# Proprietary and confidential\n", "LicenseRef-proprietary"),
        ("# License: GPL 2, W3C, BSD, or MIT\n", None),
        ("# a GPL-compatible licence\n", None),
        ("# Copyright 2020 Ada\nimport x\n# GPL", None),
        ('LICENSES = ["GPL"]\n', None),
        ("", None),
    ],
)
def test_header(text, expected):
    found = header_license(text)
    assert (found.expression if found else None) == expected
    assert not found or found.evidence.startswith("file header: ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/LICENSE", True),
        ("COPYING.LESSER", True),
        ("LICENCE-MIT", True),
        ("license.py", False),
        ("licenses/x", False),
    ],
)
def test_names_of_licence_files(name, expected):
    assert is_license_file(name) is expected


def test_nearest_folder_counts():
    found = licenses_by_folder({"LICENSE": MIT, "a/_vendor/b/COPYING": GPL, "c/LICENSE": b"all mine"})
    assert folder_license(found, "a/core.py").expression == "MIT"
    inner = folder_license(found, "a/_vendor/b/deep/core.py")
    assert (inner.expression, inner.evidence) == ("LicenseRef-GPL", "file a/_vendor/b/COPYING")
    assert folder_license(found, "c/core.py").expression == "MIT"
    assert folder_license({}, "c/core.py") is None


def test_several_licences_are_a_choice():
    found = licenses_by_folder({"LICENSE-MIT": MIT, "LICENSE-APACHE": b"Apache License\nVersion 2.0"})
    assert found[""].expression == "Apache-2.0 OR MIT"
