"""The conversation in the terminal."""

from codetune.core.errors import UserError
from codetune.generation.sampling import SamplingSettings
from codetune.serving.terminal import converse
from tests.support.controlled_engine import Controlled


class Recording(Controlled):
    """Remembers the conversations that prompts were made of."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.steps.release(100)

    def prompt(self, _model, messages):
        self.asked.append([(message["role"], message["content"]) for message in messages])
        if messages[-1]["content"] == "wrong":
            raise UserError("the template refuses it", "Do not.")
        return [1] * 8


def talk(engine, lines, system=None):
    """Type lines; an exception is raised instead of read. Return what was written."""
    given, written = iter(lines), []

    def read():
        line = next(given, EOFError())
        if isinstance(line, BaseException):
            raise line
        return line

    converse(engine, "base", SamplingSettings(max_new_tokens=2), system, read=read, write=written.append)
    return "".join(written)


def test_answers_belong_to_the_conversation_until_a_new_one():
    engine = Recording()
    told = talk(engine, ["a", "", "b", "/new", "c"], system="s")
    first = [("system", "s"), ("user", "a")]
    assert engine.asked == [first, [*first, ("assistant", "1 2 "), ("user", "b")], [("system", "s"), ("user", "c")]]
    assert told.count("1 2 \n[2 tokens") == 3
    assert engine.open == 0


def test_ctrl_c_ends_an_answer_and_then_the_conversation():
    engine = Recording()
    engine.failure = KeyboardInterrupt()
    told = talk(engine, ["a", KeyboardInterrupt(), "never read"])
    assert "stopped" in told
    assert (len(engine.asked), engine.open) == (1, 0)


def test_a_refused_message_is_forgotten():
    engine = Recording()
    told = talk(engine, ["wrong", "right", "/quit", "never read"])
    assert "the template refuses it. Do not." in told
    assert engine.asked[1] == [("user", "right")]
    assert len(engine.asked) == 2


def test_an_unknown_command_shows_the_known_ones():
    engine = Recording()
    assert "/new" in talk(engine, ["/help"])
    assert not engine.asked
