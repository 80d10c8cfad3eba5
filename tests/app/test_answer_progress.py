from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from codetune.app.answer_progress import AnswerProgress
from codetune.generation.engines.engine import EngineError
from codetune.generation.stream import StreamEvent


def events(*texts: str, stopped: bool = True) -> Iterator[StreamEvent]:
    for place, text in enumerate(texts, start=1):
        last = place == len(texts)
        yield StreamEvent("base", text, place, 0.5 * place, 0.5, finished=last, stopped=last and stopped)


def test_texts_grow_until_all_is_said() -> None:
    asked = AnswerProgress(events("def f():", "\n    ", "pass"))
    assert asked.running
    assert not asked.advance(10)
    assert asked.texts == {"base": "def f():\n    pass"}
    assert (
        asked.status_line("base")
        == "3 tokens · 1.50 s · first token after 0.50 s · 2.0 tokens/s · ended by itself · parses"
    )


@pytest.mark.parametrize(("threads", "used"), [(1, 1), (0, 2)])
def test_answers_are_computed_with_the_threads_asked_for(threads: int, used: int) -> None:
    torch.set_num_threads(2)
    seen: list[int] = []

    def watched() -> Iterator[StreamEvent]:
        seen.append(torch.get_num_threads())
        yield from events("a")

    AnswerProgress(watched(), threads=threads).advance(10)
    torch.set_num_threads(2)
    assert seen == [used]


def test_no_time_means_no_token() -> None:
    asked = AnswerProgress(events("a"))
    assert asked.advance(0)
    assert asked.texts == {}
    assert asked.status_line("base") == "waiting for the first token"


def test_one_token_is_singular() -> None:
    event = StreamEvent("left", "x", tokens=1, seconds=0.5, first_token_s=0.5, finished=False, stopped=False)
    asked = AnswerProgress(iter(()), last={"left": event})
    assert asked.status_line("left").startswith("1 token · ")


def test_stop_keeps_what_was_said_and_asks_for_no_more() -> None:
    def endless() -> Iterator[StreamEvent]:
        yield StreamEvent("base", "x", 1, 0.5, 0.5, finished=False, stopped=False)
        asked.stop()  # as the button does, while the model is at work
        yield StreamEvent("base", "y", 2, 1.0, 0.5, finished=False, stopped=False)
        pytest.fail("asked for more after the stop")

    asked = AnswerProgress(endless())
    assert not asked.advance(10)
    assert asked.texts == {"base": "xy"}
    assert asked.status_line("base").endswith("2.0 tokens/s · stopped before the end")
    assert asked.status_line("tuned") == "stopped before the first token"


@pytest.mark.parametrize(
    ("text", "fate"),
    [
        ("return (", "does not parse"),
        ("", "does not parse"),
        ("x = 1", "parses"),
        ("Sure:\n```python\nx = 1\n```\nDone.", "parses"),
        ("Sure:\n```python\nx = (\n```\nDone.", "does not parse"),
    ],
)
def test_the_fate_of_an_answer(text: str, fate: str) -> None:
    asked = AnswerProgress(events(text, stopped=False))
    asked.advance(10)
    assert asked.status_line("base").endswith(f"cut at the limit of tokens · {fate}")


def test_a_failure_ends_the_question() -> None:
    def broken() -> Iterator[StreamEvent]:
        yield from events("a")
        raise RuntimeError("out of memory")

    asked = AnswerProgress(broken())
    with pytest.raises(RuntimeError):
        asked.advance(10)
    assert not asked.running


def test_models_are_released_when_the_answers_end() -> None:
    released: list[bool] = []
    asked = AnswerProgress(events("a"), close=lambda *, failed: released.append(failed))
    asked.advance(10)
    assert released == [False]


def test_an_engine_that_fails_is_a_sentence_and_is_opened_anew() -> None:
    def broken() -> Iterator[StreamEvent]:
        yield from events("a")
        raise EngineError("llama.cpp ended in the middle of an answer")

    released: list[bool] = []
    asked = AnswerProgress(broken(), close=lambda *, failed: released.append(failed))
    assert not asked.advance(10)
    assert asked.failure == (
        "llama.cpp ended in the middle of an answer. Press Generate again, which starts the engine anew."
    )
    assert released == [True]
    assert asked.texts == {"base": "a"}


def test_an_answer_that_an_engine_did_not_finish_was_not_stopped_by_the_user() -> None:
    def broken() -> Iterator[StreamEvent]:
        yield StreamEvent("base", "x", 1, 0.5, 0.5, finished=False, stopped=False)
        raise EngineError("llama.cpp ended")

    asked = AnswerProgress(broken())
    asked.advance(10)
    assert asked.status_line("base").endswith("the engine failed")


def test_who_keeps_the_answers_so_far_keeps_no_model_in_use() -> None:
    closed: list[bool] = []
    asked = AnswerProgress(events("a", "b"), close=lambda *, failed: closed.append(failed))
    asked.advance(0)
    kept = asked.ended()
    assert not kept.running
    kept.stop()
    assert closed == []
    asked.stop()
    asked.stop()
    assert closed == [False]
