"""What the base model may read: files of train groups, and none that leaks."""

from collections import Counter

import pytest

from codetune.cleaning.corpus import pretraining_files
from tests.clean_params import clean_params

TEXT = "x = 1\n" * 60


def file(**changes):
    return {"group": "a", "package": "a", "license": "MIT", "path": "a/mod.py", "sha256": "1", "text": TEXT} | changes


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("held_out_group", {"group": "t"}),
        ("duplicates_held_out", {"path": "a/leak.py"}),
        ("test_code", {"path": "a/tests/mod.py"}),
        ("length", {"text": "x"}),
        ("license_not_allowed", {"license": "LicenseRef-GPL"}),
        ("exact_duplicate", {"sha256": "0"}),
        ("secret", {"text": TEXT + "key = 'AKIA" + "IOSFODNN7EXAMPLE'\n"}),
        ("keep", {}),
    ],
)
def test_reasons(reason, changes):
    reasons: Counter[str] = Counter()
    files = [file(sha256="0", path="a/first.py"), file(**changes)]
    kept = list(
        pretraining_files(iter(files), clean_params(), {"a": "train", "t": "test"}, {("a", "a/leak.py")}, reasons)
    )
    assert reasons == Counter(["keep", reason])
    assert len(kept) == 1 + (reason == "keep")


def test_personal_data_is_blanked_and_the_digest_stays():
    text = TEXT + "# Ada Byron <ada.byron@engines.org>\n"
    (kept,) = pretraining_files(iter([file(text=text)]), clean_params(), {"a": "train"}, set(), Counter())
    assert kept["text"] == TEXT + "# Ada Byron <user@example.com>\n"
    assert kept["sha256"] == "1"
