"""Which words differ, by hand."""

import pytest

from codetune.augmentation.differences import differences


@pytest.mark.parametrize(
    ("original", "changed", "pairs"),
    [
        ("Sort the rows.", "Sort the rows.", ()),
        ("Sort the rows.", "Sort  the\nrows.", ()),
        ("Sort the rows.", "Order the lines.", (("Sort", "Order"), ("rows.", "lines."))),
        ("Sort the rows.", "Put them in order.", (("Sort", "Put"), ("the", "them"), ("rows.", "in"), ("", "order."))),
        ("Sort all the rows.", "Sort the rows.", (("all", ""),)),
        ("", "Sort.", (("", "Sort."),)),
    ],
)
def test_differences(original, changed, pairs):
    assert differences(original, changed) == pairs
