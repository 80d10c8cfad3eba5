"""The labelled pairs, and that the shipped threshold is the one that they yield."""

import numpy as np
import pytest

from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.data.augment.meaning import (
    KEPT_SHARE,
    Calibration,
    calibrate,
    highest_keeping,
    labelled_pairs,
    similarities,
)
from codetune.data.augment.params import AugmentParams
from codetune.data.augment.protection import protected_texts
from codetune.data.augment.report import meaning_report
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.sentences import SentenceEncoder
from codetune.reporting.augmentation_plots import meaning_plot


@pytest.fixture(scope="module")
def shipped() -> AugmentParams:
    return load_section(AugmentParams)


@pytest.fixture(scope="module")
def found(shipped) -> Calibration:
    gate = shipped.meaning
    encoder = SentenceEncoder(locate_encoder(gate.encoder, "test"), "test", gate.max_tokens)
    return calibrate(encoder.embed, gate.min_similarity)


def test_sample_is_large_and_sound():
    pairs = labelled_pairs()
    assert sum(pair.good for pair in pairs) >= 150
    assert sum(not pair.good for pair in pairs) >= 100
    assert len({(pair.original, pair.paraphrase) for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert pair.original != pair.paraphrase
        if pair.good:
            assert protected_texts(pair.original) == protected_texts(pair.paraphrase), pair


def test_shipped_threshold_is_what_the_labelled_pairs_yield(found, shipped):
    assert found.calibrated_threshold == shipped.meaning.min_similarity


def test_gate_keeps_the_good_and_rejects_most_of_the_bad(found):
    """Not all of the bad: the numbers are those that the report states."""
    assert found.false_rejects <= 1 - KEPT_SHARE
    assert found.false_accepts < 0.4
    passed, of = found.accepted_by_kind()["opposite_verb"]
    assert 0 < passed < of / 2


def test_least_threshold_is_by_hand():
    values = [0.5, 0.619, 0.7, 0.8, 0.9]
    assert highest_keeping(values, 1.0) == 0.5
    assert highest_keeping(values, 0.8) == 0.61
    assert highest_keeping(values, 0.7) == 0.61  # 3.5 of 5 are 4
    assert highest_keeping([0.92], 0.97) == 0.92


def test_rates_are_by_hand():
    rates = Calibration(good=[0.8, 0.9, 0.95, 1.0], bad=[("verb", 0.9), ("verb", 0.2), ("noun", 0.3)], threshold=0.9)
    assert rates.false_rejects == 0.25
    assert rates.false_accepts == pytest.approx(1 / 3)
    assert rates.accepted_by_kind() == {"noun": [0, 1], "verb": [1, 2]}


def test_only_what_differs_is_embedded():
    seen = []

    def embed(texts, _):
        seen.extend(texts)
        return np.array([[1.0, 0.0], [0.6, 0.8]])

    pairs = [("Sort it.", "It should sort it."), ("Sort it.", "Order it."), ("Sort it.", "Sort it.")]
    assert similarities(pairs, embed) == [1.0, 0.6, 1.0]
    assert seen == ["Sort it.", "Order it."]
    assert similarities([], embed) == []


def test_last_bits_do_not_matter():
    vectors = np.array([[1.0, 0.0], [0.92 - 3e-8, 0.39]])
    assert similarities([("Sort it.", "Order it.")], lambda *_: vectors) == [0.92]


def test_broken_sample_is_named(tmp_path):
    (tmp_path / "pairs.jsonl").write_text('{"original": "a"}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"pairs\.jsonl cannot be read.*git checkout"):
        labelled_pairs(tmp_path / "pairs.jsonl")


def test_picture_shows_pairs_run_and_threshold(found):
    picture = meaning_plot(found, [0.95, 1.0])
    assert picture == meaning_plot(found, [0.95, 1.0])
    assert f"same meaning ({len(found.good)} labelled pairs)" in picture
    assert "paraphrases of this run (2)" in picture
    assert f"below {found.threshold} a paraphrase is rejected" in picture
    assert "paraphrases of this run (0)" in meaning_plot(found, [])


def test_report_states_the_rates(found):
    report = meaning_report(found, "signature")
    assert report["min_similarity"] == report["labelled"]["threshold_keeping_0.97_of_good"]
    assert report["labelled"]["good"] + report["labelled"]["bad"] == len(labelled_pairs())
    assert report["labelled"]["bad_accepted_by_kind"]["negation"].endswith(" of 1")
