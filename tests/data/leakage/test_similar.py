"""Rows that ask for the same in other words and are answered alike are found; one of both is not enough."""

import pytest

from codetune.data.leakage.examine import ComparedRow
from codetune.data.leakage.params import SimilarityParams
from codetune.data.leakage.similar import similar_rows
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.params import EncoderParams
from codetune.models.encoders.sentences import SentenceEncoder

PARAMS = SimilarityParams(encoder=EncoderParams(model="minilm"), max_tokens=64, min_instruction=0.8, min_code=0.8)
ASKED = "Write a Python function `{}` with parameters `a` and `b`. {}"
CODE = "def split_text(a, b):\n    parts = a.split(b)\n    kept = [part for part in parts if part]\n    return kept"
OTHER = "class Window:\n    def draw(self):\n        self.canvas.fill(0xFFFFFF)\n        raise NotImplementedError"
TRAIN = [
    ComparedRow("t1", CODE, ASKED.format("split_text", "Split the text at a separator and drop empty parts.")),
    ComparedRow("t2", OTHER, ASKED.format("draw", "Draw the window on the canvas.")),
    ComparedRow("t3", "def f(x):\n    return x ** 2", ASKED.format("square", "Return the square of a number.")),
]


@pytest.fixture(scope="module")
def encoder():
    return SentenceEncoder(locate_encoder(PARAMS.encoder, "test"), "test", PARAMS.max_tokens)


@pytest.mark.parametrize(
    ("code", "said", "found"),
    [
        (CODE.replace("kept", "result"), "Split a text at the separator, dropping the empty parts.", "t1"),
        (OTHER, "Split a text at the separator, dropping the empty parts.", None),
        (CODE, "Connect to the database server.", None),
    ],
)
def test_both_must_be_similar(encoder, code, said, found):
    leaks = similar_rows([ComparedRow("h", code, ASKED.format("split_text", said))], TRAIN, encoder, PARAMS)
    assert [leak.train for leak in leaks] == ([found] if found else [])
    for leak in leaks:
        assert (leak.way, leak.held_out) == ("similar", "h")
        assert 0.8 <= leak.similarity < 1
