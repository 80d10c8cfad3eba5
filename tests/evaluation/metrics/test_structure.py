"""Answers as programs: what counts as the same, as alike, as kept and as bound."""

import pytest

from codetune.evaluation.metrics.structure import structure_scores

REFERENCE = '''
    def total(self, items, *, start=0):
        """Add the items up."""
        for item in items:
            start += item.price * RATE
        return start
'''


@pytest.mark.parametrize(
    ("answer", "match", "signature", "bound"),
    [
        (REFERENCE, 1, 1, 1),
        ("def total(self, items, *, start=0):\n  # Sum.\n  for item in items: start += (item.price * RATE)\n  return start", 1, 1, 1),
        ("def total(self, items, *, start=0):\n    return sum(i.price for i in items)", 0, 1, 1),
        ("def total(self, items, start=0):\n    return other", 0, 0, 0),
        ("def total(self, items, *, begin=0):\n    return begin", 0, 0, 1),
        ("def total(self, items, *start):\n    return start", 0, 0, 1),
        ("def sum(self, items, *, start=0):\n    return RATE", 0, 0, 1),
        ("@cached\ndef total(self, items, *, start=0):\n    return start", 0, 1, 0),
        ("return 1", 0, 0, 1),
        ("def total(self, items, items, *, start=0):\n    return 1", 0, 0, 0),  # parsed, but never compiled
        ("import math\nx = math.pi", 0, 0, 1),
        ("def total(self, items, *, start=0:", 0, 0, 0),
        ("", 0, 0, 0),
        ("# nothing", 0, 0, 0),
        ("x = '\0'", 0, 0, 0),
        ("-" * 100_000 + "1", 0, 0, 0),
    ],
)  # fmt: skip
def test_same_tree_signature_and_names(answer, match, signature, bound):
    found = structure_scores(answer, REFERENCE)
    assert (found.tree_match, found.signature_kept, found.names_bound) == (match, signature, bound)


def similarity(answer, reference):
    return structure_scores(answer, reference).tree_similarity


def test_similarity_is_of_shapes_and_not_of_names():
    assert similarity("y = f(b) + 1", "x = g(a) + 2") == 1
    # x = g(a) + 2 has the subtrees g(a), g(a) + 2 and the assignment; of them f(a) is in the other, whose own are f(a)
    # and the return: 2 * 1 / (3 + 2).
    assert similarity("return f(a)", "x = g(a) + 2") == pytest.approx(0.4)
    assert similarity("x = 1", "while True: pass") == 0
    assert similarity("pass", "pass") == 0  # nothing but leaves


def test_it_is_the_same_in_both_directions_and_falls_with_the_distance():
    near = REFERENCE.replace("item.price * RATE", "item.price")
    far = "def total(self, items):\n    return items"
    assert similarity(near, REFERENCE) == similarity(REFERENCE, near)
    assert 1 > similarity(near, REFERENCE) > similarity(far, REFERENCE) > 0


def test_a_reference_that_is_no_python_gives_nothing():
    assert tuple(structure_scores("x = 1", "Ein Satz.")) == (0, 0, 0, 0)
