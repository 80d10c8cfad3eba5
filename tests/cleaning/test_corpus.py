"""What the base model may read: files of train groups, and none that leaks."""

from collections import Counter

import pytest

from codetune.cleaning.corpus import pretraining_files

TEXT = "x = 1\n" * 60


def file(**changes):
    return {"group": "a", "package": "a", "path": "a/mod.py", "sha256": "1", "text": TEXT} | changes


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("held_out_group", {"group": "t"}),
        ("duplicates_held_out", {"path": "a/leak.py"}),
        ("test_code", {"path": "a/tests/mod.py"}),
        ("length", {"text": "x"}),
        ("license_header", {"text": "# GNU General Public License\n" + TEXT}),
        ("exact_duplicate", {"sha256": "0"}),
        ("secret", {"text": TEXT + "key = 'AKIA" + "IOSFODNN7EXAMPLE'\n"}),
        ("keep", {}),
    ],
)
def test_reasons(reason, changes):
    reasons: Counter[str] = Counter()
    files = [file(sha256="0", path="a/first.py"), file(**changes)]
    kept = list(pretraining_files(iter(files), {"a": "train", "t": "test"}, {("a", "a/leak.py")}, reasons))
    assert reasons == Counter(["keep", reason])
    assert len(kept) == 1 + (reason == "keep")
