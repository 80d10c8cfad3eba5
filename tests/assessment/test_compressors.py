"""Compressors and the 5-gram model."""

import numpy as np
import pytest

from codetune.assessment.compressors import NgramModel, xz_bits, zstd_bits

RANDOM = np.random.default_rng(0).integers(0, 6, 300)


@pytest.mark.parametrize("bits", [xz_bits, zstd_bits])
def test_compressors_see_repetition(bits):
    text = bytes(np.random.default_rng(1).integers(0, 256, 4000, dtype=np.uint8))
    assert 8 * len(text) <= bits(text) < bits(text * 2) < 1.1 * bits(text)


@pytest.mark.parametrize("length", range(1, 8))
def test_probabilities_add_up_to_one(length):
    model = NgramModel(RANDOM, 7)
    context = np.random.default_rng(length).integers(0, 7, length)
    given = model.bits(context)
    assert sum(2 ** (given - model.bits(np.append(context, token))) for token in range(7)) == pytest.approx(1)


def test_probability_by_hand():
    # 0 1 0 1 0: after 0 comes 1 twice, one kind. P1(1) = (2 + 2/3) / (5 + 2); P2(1|0) = (2 + P1) / (2 + 1).
    model = NgramModel(np.array([0, 1, 0, 1, 0]), 3)
    unigram = (2 + 2 / 3) / 7
    # The first token is taken to follow the last one, so 0 is also followed by 0 once.
    bigram = (2 + 2 * unigram) / (3 + 2)
    assert 2 ** -model.bits(np.array([0, 1])) == pytest.approx(bigram)


def test_long_contexts_are_used():
    model = NgramModel(np.tile(np.array([0, 0, 0, 1, 0, 0, 2]), 200), 4)
    assert 2 ** -(model.bits(np.array([0, 0, 0, 1])) - model.bits(np.array([0, 0, 0]))) > 0.6
    certain = np.array([1, 0, 0, 2])
    assert model.bits(certain) - model.bits(certain[:3]) < 0.1
