"""Wheels are read in memory, with their licence checked and their files against RECORD."""

from collections import Counter

import pytest

from codetune.core.errors import UserError
from codetune.data.ingest.licenses import NOT_UNDERSTOOD
from codetune.data.ingest.wheel import License, parse_license, python_members, read_license, read_python_files
from tests.support.wheels import make_wheel


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: BSD\nClassifier: License :: OSI Approved :: Apache Software License", "Apache-2.0"),
        ("License: BSD 2-Clause License", "BSD-2-Clause"),
        ("License: Apache License, Version 2.0", "Apache-2.0"),
        ("License: GPL or MIT", "GPL or MIT"),
        ("License: LGPL", NOT_UNDERSTOOD),
        ("License: LGPL v3", NOT_UNDERSTOOD),
        ("License: MIT and AGPLv3 with more", NOT_UNDERSTOOD),
        ("Classifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: MIT License", "MIT"),
        (
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved :: GPLv3 (GPLv3)",
            f"MIT AND {NOT_UNDERSTOOD}",
        ),
        (
            "License: Proprietary, see EULA\nClassifier: License :: OSI Approved :: MIT License",
            f"MIT AND {NOT_UNDERSTOOD}",
        ),
        ("Name: x", None),
    ],
)
def test_license_is_read_from_metadata(metadata, expected):
    found = parse_license(metadata + "\n\n")
    assert (found.expression if found else None) == expected


@pytest.mark.parametrize(
    ("expression", "permissive"),
    [("MIT", True), ("MIT AND BSD-3-Clause", True), ("MIT AND GPL-3.0-only", False), ("GPL-3.0-only OR MIT", True),
     ("(MIT AND CC0-1.0)", True), ("Proprietary", False)],
)  # fmt: skip
def test_permissive_expressions(expression, permissive):
    assert License(expression, "").permissive is permissive


def test_restrictive_license_is_refused(tmp_path):
    path, _ = make_wheel(tmp_path, "a", {"a.py": ""}, license_line="License-Expression: GPL-3.0-only")
    with pytest.raises(UserError, match=r"a-1\.0.*found licence GPL-3\.0-only"):
        read_license(path)


def test_unusable_files_are_counted(tmp_path):
    sources = {"a.py": "x = 1\n", "big.py": "#" * 500, "null.py": "x = '\0'\n", "bad.py": b"\xff\xfe\n"}
    path, _ = make_wheel(tmp_path, "a", sources)
    skipped: Counter[str] = Counter()
    members = [name for name, _ in python_members(path)]
    assert [file.path for file in read_python_files(path, members, 100, skipped)] == ["a.py"]
    assert skipped == {"too_large": 1, "null_byte": 1, "undecodable": 1}


def test_file_that_differs_from_record_is_refused(tmp_path):
    path, _ = make_wheel(tmp_path, "a", {"a.py": "x = 1\n"}, spoil="a.py")
    with pytest.raises(UserError, match=r"the hash of a\.py differs from the wheel's RECORD"):
        list(read_python_files(path, ["a.py"], 100, Counter()))


@pytest.mark.parametrize("keep", [0, 60])
def test_damaged_wheel(tmp_path, keep):
    path, _ = make_wheel(tmp_path, "a", {"a.py": "x = 1\n"})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="is damaged"):
        read_license(path)
