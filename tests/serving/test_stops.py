import pytest

from codetune.serving.stops import StopTexts


@pytest.mark.parametrize(
    ("stops", "pieces", "sent", "found"),
    [
        ([], ["a", "b"], ["a", "b"], False),
        (["END"], ["one E", "N", "D two"], ["one ", "", ""], True),
        (["END"], ["one E", "xN"], ["one ", "ExN"], False),
        (["aab"], ["aa", "ab"], ["", "a"], True),
        (["\n\n", "`"], ["x\n", "y`\n\n"], ["x", "\ny"], True),
        (["bc", "abcd"], ["a", "bc"], ["", "a"], True),
    ],
)
def test_no_part_of_a_stop_text_is_sent(stops, pieces, sent, found):
    stop = StopTexts(stops)
    assert [stop.add(piece) for piece in pieces] == sent
    assert stop.found == found


def test_what_was_kept_back_is_sent_at_the_end():
    stop = StopTexts(["END"])
    assert stop.add("the EN") == "the "
    assert (stop.rest(), stop.rest()) == ("EN", "")
