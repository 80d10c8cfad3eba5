"""The prompts are spread over the test sets."""

from codetune.evaluation.parity.prompts import Question, spread


def questions(name, count):
    return [Question(name, str(number), "", "", None, []) for number in range(count)]


def test_the_sets_take_turns_until_one_is_empty():
    sets = {"a": questions("a", 2), "b": questions("b", 9), "c": []}
    found = [f"{each.set}{each.id}" for each in spread(sets, 6)]
    assert found == ["a0", "b0", "a1", "b1", "b2", "b3"]
    assert len(spread(sets, 100)) == 11
