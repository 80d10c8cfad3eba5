"""Licences of SPDX expressions, of headers and of licence texts."""

import pytest

from codetune.data.ingest.licenses import NOT_UNDERSTOOD, PERMISSIVE, header_license, license_of_text, permits


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT OR GPL-3.0-only AND GPL-2.0-only", True),
        ("GPL-3.0-only AND (MIT OR Apache-2.0)", False),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND (BSD-3-Clause OR GPL-2.0-only)", True),
        ("MIT AND (GPL-3.0-only OR (ISC AND (LGPL-2.1-only OR Zlib)))", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("MIT AND Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("Apache-2.0 WITH Commons-Clause", False),
        ("Apache-2.0 WITH AdditionRef-mine", False),
        ("MIT WITH Apache-2.0", False),
        ("apache-2.0 or mit", True),
        ("Apache-2.0+", True),
        ("MIT OR", False),
        ("(MIT", False),
        ("MIT) OR (MIT", False),
        ("MIT, BSD-3-Clause", False),
        ("", False),
        ("(" * 900 + "MIT" + ")" * 900, False),
        ("MIT AND LicenseRef-mine", False),
    ],
)
def test_what_an_expression_permits(expression, expected):
    assert permits(expression, PERMISSIVE) is expected


@pytest.mark.parametrize(
    ("expression", "allowed", "expected"),
    [
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"], True),
        ("GPL-2.0-only", ["GPL-2.0-only WITH Classpath-exception-2.0"], False),
        ("gpl-3.0", ["GPL-3.0-only"], True),
        ("LicenseRef-mine", ["LicenseRef-mine"], True),
    ],
)
def test_what_a_list_permits(expression, allowed, expected):
    assert permits(expression, allowed) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# SPDX-License-Identifier: MIT OR Apache-2.0\nx = 1", "MIT OR Apache-2.0"),
        ("# SPDX-License-Identifier: (MIT OR Apache-2.0) AND GPL-3.0-only\n", "(MIT OR Apache-2.0) AND GPL-3.0-only"),
        ("# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n", "Apache-2.0 WITH LLVM-exception"),
        ('"""SPDX-License-Identifier: MIT"""\n', "MIT"),
        ("# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: GPL-3.0-only\n", "MIT AND GPL-3.0-only"),
        (
            "# SPDX-License-Identifier: MIT\nx = 1\n# SPDX-SnippetBegin\n# SPDX-License-Identifier: GPL-2.0-only OR ISC\n",
            "MIT AND (GPL-2.0-only OR ISC)",
        ),
        ("x = 1  # SPDX-License-Identifier: GPL-3.0-only\n", "GPL-3.0-only"),
        ("x = '''\n# SPDX-License-Identifier: GPL-3.0-only\n'''\n", None),
        ("# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: see below\n# x", f"MIT AND {NOT_UNDERSTOOD}"),
        ("# SPDX-License-Identifier: MIT (but ask)\n", NOT_UNDERSTOOD),
        ("# SPDX-License-Identifier:\n# licensed under the MIT License\n", NOT_UNDERSTOOD),
        ("#!/usr/bin/env python\n\n# Licensed under the GNU Lesser General Public License\n", "LicenseRef-LGPL"),
        ('"""A parser.\n\nLicence: GPL v3\n"""\nimport x', "LicenseRef-GPL"),
        ("# AGPLv3 only\n", "LicenseRef-AGPL"),
        ("# This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0.\n", "MPL-2.0"),
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
    ("text", "expected"),
    [
        ("MIT License\n\nCopyright", "MIT"),
        ("SPDX-License-Identifier: GPL-3.0-only\n\nMIT License", "GPL-3.0-only"),
        ("This is free and unencumbered software released into", "Unlicense"),
        ('"Commons Clause" License Condition v1.0\n\nLicense: Apache License 2.0', NOT_UNDERSTOOD),
        ("MIT License, for non-commercial use", NOT_UNDERSTOOD),
        ("All rights reserved.", None),
    ],
)
def test_licence_texts(text, expected):
    assert license_of_text(text) == expected
