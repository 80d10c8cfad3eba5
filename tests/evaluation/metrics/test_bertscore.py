"""Golden values: bert_score.BERTScorer, one pair at a time.

Given several pairs it pads the shorter ones, and padded positions count as cosine 0 in its maxima: a token whose best
cosine is below 0 then scores 0, depending on what else is in the batch (1.4e-4 of recall in one of these pairs).
"""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from bert_score import BERTScorer

from codetune.core.errors import UserError
from codetune.evaluation.metrics import bertscore
from codetune.evaluation.metrics.bertscore import NOTHING, BertEncoder, match, overlapping
from codetune.models.encoders.locate import locate_encoder
from tests.conftest import make_tiny_bert, one_line
from tests.evaluation.metrics.conftest import changed

TOLERANCE = 2e-6


def encoder_of(folder: Path, layer: int) -> BertEncoder:
    return BertEncoder(locate_encoder(changed(model=str(folder)).bertscore, "score.bertscore"), layer)


def by_the_library(folder: Path, layer: int, max_tokens: int, answers: list[str], references: list[str]) -> Any:
    scorer = BERTScorer(model_type=str(folder), num_layers=layer, device="cpu", use_fast_tokenizer=True)
    scorer._tokenizer.model_max_length = max_tokens
    pairs = zip(answers, references, strict=True)
    return torch.cat([torch.stack(scorer.score([answer], [reference]), dim=1) for answer, reference in pairs])


def test_scores_equal_those_of_the_library(minilm, instruction_rows):
    references = [row["completion"] for row in instruction_rows[:6]]
    answers = [*references[3:6], references[0], "return None", "x = 1\n" * 150]
    expected = by_the_library(minilm.files.folder, minilm.layer, 512, answers, references)
    embedded = minilm.embed_all([*answers, *references], "texts")
    found = torch.tensor(
        [match(embedded[left], embedded[right]) for left, right in zip(answers, references, strict=True)]
    )
    assert torch.allclose(found, expected, rtol=0, atol=TOLERANCE)
    # The test would not see a wrong pairing if all scores were alike.
    assert found[:, 2].max() - found[:, 2].min() > 0.1


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_another_model_and_layer_equals_the_library(layer, tmp_path):
    folder = make_tiny_bert(tmp_path / "encoder")
    answers, references = ["def f(a): return a", "b", "x" * 38], ["def g(b): return b", "a + b", "x = y"]
    expected = by_the_library(folder, layer, 40, answers, references)
    encoder = encoder_of(folder, layer)
    pairs = zip(answers, references, strict=True)
    found = torch.tensor([match(encoder.embed(left), encoder.embed(right)) for left, right in pairs])
    assert torch.allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_a_path_that_names_another_architecture_does_not_matter(tiny_bert):
    assert "t5" in str(tiny_bert)
    assert type(encoder_of(tiny_bert, 2)._model).__name__ == "BertModel"


def test_precision_is_of_the_answer_and_recall_of_the_reference(minilm):
    part, whole = minilm.embed("return total"), minilm.embed("def f(a, b):\n    total = a + b\n    return total")
    precision, recall, _ = match(part, whole)
    assert precision > recall + 0.1
    assert match(whole, part)[:2] == pytest.approx((recall, precision), abs=1e-6)


def test_a_pair_is_matched_on_one_thread_with_the_same_bits(monkeypatch, threads, minilm, instruction_rows):
    left, right = (minilm.embed(row["completion"] * 4) for row in instruction_rows[:2])
    alone = match(left, right)
    seen = []
    matched = bertscore.greedy_cos_idf

    def recording(*arguments: Any) -> Any:
        seen.append(torch.get_num_threads())
        return matched(*arguments)

    monkeypatch.setattr(bertscore, "greedy_cos_idf", recording)
    threads(3)
    assert match(left, right) == alone
    assert seen == [1]
    assert torch.get_num_threads() == 3


def test_scoring_leaves_the_embeddings_as_they_are(minilm):
    left, right = minilm.embed("a = b"), minilm.embed("print(c)")
    before = left.vectors.clone(), left.weights.clone()
    assert match(left, right) == match(left, right)
    assert torch.equal(before[0], left.vectors)
    assert torch.equal(before[1], left.weights)


def test_an_embedding_does_not_depend_on_the_other_texts(minilm):
    text = "def f(x):\n    return x"
    alone = minilm.embed_all([text], "alone")[text]
    among = minilm.embed_all(["import os\n" * 40, text, "y", text], "among")
    assert len(among) == 3
    assert torch.equal(alone.vectors, among[text].vectors)


@pytest.mark.parametrize("nothing", ["", "  \n\t ", "\x00\x01", "\u200b"])
def test_a_text_without_tokens_scores_0_on_either_side(nothing, minilm):
    empty, text = minilm.embed(nothing), minilm.embed("return x")
    assert empty.empty
    assert not text.empty
    assert match(empty, text) == match(text, empty) == match(empty, empty) == NOTHING


@pytest.mark.parametrize(("words", "windows"), [(510, 1), (511, 2), (765, 2), (766, 3), (2000, 7)])
def test_what_is_over_510_tokens_is_encoded_in_windows(words, windows, minilm):
    embedding = minilm.embed("x " * words)
    assert minilm.max_tokens == 512
    assert embedding.windows == windows
    assert embedding.vectors.shape == (words + 2, 384)
    assert embedding.weights.tolist() == [0.0, *[1.0] * words, 0.0]


@pytest.mark.parametrize(("length", "size"), [(511, 510), (765, 510), (766, 510), (2000, 510), (41, 3), (7, 2), (3, 1)])
def test_every_token_belongs_to_the_window_that_shows_most_around_it(length, size):
    windows = list(overlapping(length, size))
    owners = [window for window in windows for _ in range(window.own_start, window.own_stop)]
    assert len(owners) == length
    for token, owner in enumerate(owners):
        around = {
            window: min(
                token - window.start if window.start else length,
                window.stop - token if window.stop < length else length,
            )
            for window in windows
            if window.start <= token < window.stop
        }
        assert around[owner] >= max(around.values()) - 1


def test_a_long_text_is_encoded_as_its_parts_are(minilm):
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    text = " ".join(words[number * 7 % 8] for number in range(900))
    embedding = minilm.embed(text)
    ids = minilm._tokenizer(text, add_special_tokens=False)["input_ids"]
    window, *_, last = overlapping(len(ids), 510)
    whole = minilm._encode([[minilm._tokenizer.cls_token_id, *ids[:510], minilm._tokenizer.sep_token_id]])[0]
    assert torch.equal(embedding.vectors[: 1 + window.own_stop], whole[: 1 + window.own_stop])
    ending = minilm._encode([[minilm._tokenizer.cls_token_id, *ids[-510:], minilm._tokenizer.sep_token_id]])[0]
    kept = last.own_stop - last.own_start + 1
    assert torch.equal(embedding.vectors[-kept:], ending[-kept:])


@pytest.mark.parametrize(
    ("positions", "padding", "tokenizer", "limit"),
    [
        (512, None, 512, 512),
        (512, None, 10**30, 512),
        (512, None, 256, 256),
        (514, 1, 10**30, 512),  # RoBERTa: positions start at 2
        (None, None, 10**30, 512),  # relative positions: no limit of its own
        (None, None, 1024, 1024),
    ],
)
def test_the_limit_is_what_model_and_tokenizer_both_take(positions, padding, tokenizer, limit):
    model = torch.nn.Module()
    if positions is not None:
        model.position_embeddings = torch.nn.Embedding(positions, 1, padding_idx=padding)
    assert bertscore._max_tokens(model, SimpleNamespace(model_max_length=tokenizer)) == limit


def test_a_layer_that_the_model_lacks_is_refused(tiny_bert):
    with pytest.raises(UserError, match=r"score\.bertscore\.layer: bert has no layer 3.*between 0 and 2"):
        encoder_of(tiny_bert, 3)


def test_damaged_weights_are_refused_in_one_line(tiny_bert, tmp_path):
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "damaged"))
    (folder / "model.safetensors").write_bytes(b"not weights")
    with one_line("damaged cannot be loaded"):
        encoder_of(folder, 2)


def test_the_signature_names_everything_that_moves_a_score(minilm, tiny_bert):
    assert "model:all-MiniLM-L6-v2|weights:53aa51172d142c89|" in minilm.signature
    assert minilm.signature.endswith("|layer:6|idf:no|max_tokens:512|long:windows")
    one, two = encoder_of(tiny_bert, 1).signature, encoder_of(tiny_bert, 2).signature
    assert one != two
    assert str(tiny_bert) not in one
