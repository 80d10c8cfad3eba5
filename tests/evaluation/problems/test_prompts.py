"""Which rows are asked."""

from collections import Counter

import pytest

from codetune.core.errors import UserError
from codetune.evaluation.problems.prompts import select_prompts


def rows(**groups):
    return [
        {"id": f"{group}{number}", "group": group, "instruction": "w " * (number + 1)}
        for group, count in groups.items()
        for number in range(count)
    ]


def select(available, max_prompts=100, max_tokens=100, seed=7):
    return select_prompts(
        available,
        lambda instruction: [1] * len(instruction.split()),
        max_prompts=max_prompts,
        max_tokens=max_tokens,
        seed=seed,
    )


def ids(selection):
    return [prompt.row["id"] for prompt in selection.prompts]


@pytest.mark.parametrize(
    ("max_prompts", "expected"),
    [
        (6, {"a": 2, "b": 2, "c": 2}),
        (7, {"a": 2, "b": 2, "c": 2, "extra": 1}),
        (12, {"a": 5, "b": 5, "c": 2}),
        (99, {"a": 30, "b": 10, "c": 2}),
    ],
)
def test_groups_take_turns(max_prompts, expected):
    counts = Counter(prompt.row["group"] for prompt in select(rows(a=30, b=10, c=2), max_prompts).prompts)
    assert sum(counts.values()) == sum(expected.values())
    assert all(counts[group] - number in (0, 1) for group, number in expected.items() if group != "extra")


def test_the_draw_depends_on_seed_and_ids_alone():
    available = rows(a=30, b=10)
    assert ids(select(available, 9)) == ids(select(available[::-1], 9))
    assert ids(select(available, 9)) != ids(select(available, 9, seed=8))


def test_fewer_prompts_are_the_first_of_more():
    available = rows(a=30, b=10, c=3)
    assert ids(select(available, 20))[:8] == ids(select(available, 8))


def test_prompts_that_leave_no_room_are_skipped_and_counted():
    selection = select(rows(a=10, b=4), max_tokens=6)
    assert selection.skipped == {"too_long": 4}
    assert max(len(prompt.ids) for prompt in selection.prompts) == 6
    assert len(selection.prompts) == 10


@pytest.mark.parametrize("available", [[], rows(a=3)])
def test_no_prompt_at_all_is_named(available):
    with pytest.raises(UserError, match="no test prompt can be answered"):
        select(available, max_tokens=0)
