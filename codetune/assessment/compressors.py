"""What else predicts a text: general compressors and a 5-gram model, all in bits per byte."""

from __future__ import annotations

import lzma
import math

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ids = NDArray[np.int64]
_ORDER = 5


def xz_bits(data: bytes) -> int:
    """The size in bits after `xz -9e`."""
    return 8 * len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def zstd_bits(data: bytes) -> int:
    """The size in bits after `zstd -19`."""
    return 8 * len(pa.Codec("zstd", compression_level=19).compress(data, asbytes=True))


class NgramModel:
    """Interpolated 5-grams of tokens with Witten-Bell smoothing (Witten and Bell, 1991).

    The probability of a token is that of the longest context seen, mixed with the shorter ones: the more different
    tokens followed a context, the more weight the shorter ones get.
    """

    def __init__(self, ids: Ids, vocabulary: int) -> None:
        """Count `ids`, of shape `(n,)`, each below `vocabulary`."""
        self.vocabulary = vocabulary
        self._grams: list[Ids] = []
        self._counts: list[Ids] = []
        self._totals: list[Ids] = []
        self._followers: list[Ids] = []
        ending = np.zeros(len(ids) + 1, np.int64)  # the empty gram before every token
        for _ in range(_ORDER):
            keys = ending[:-1] * vocabulary + ids
            grams, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
            contexts = grams // vocabulary
            size = int(contexts.max()) + 1
            self._grams.append(grams)
            self._counts.append(counts)
            self._totals.append(np.bincount(contexts, weights=counts, minlength=size).astype(np.int64))
            self._followers.append(np.bincount(contexts, minlength=size))
            # The first token has no gram of this order before it; it is given the last one's, a single count.
            ending = np.concatenate([inverse[-1:], inverse])

    def bits(self, ids: Ids) -> float:
        """Bits for `ids`, of shape `(n,)`, each predicted from those before it; the first one is given."""
        probabilities = np.full(len(ids) - 1, 1.0 / self.vocabulary)
        context = np.zeros(len(ids) - 1, np.int64)
        for order in range(_ORDER):
            known = context >= 0
            keys = np.where(known, context * self.vocabulary + ids[1:], -1)
            found = np.searchsorted(self._grams[order], keys).clip(max=len(self._grams[order]) - 1)
            seen = self._grams[order][found] == keys
            count = np.where(seen, self._counts[order][found], 0)
            inside = known & (context < len(self._totals[order]))
            place = np.where(inside, context, 0)
            total, followers = self._totals[order][place], self._followers[order][place]
            usable = inside & (total > 0)
            mixed = (count + followers * probabilities) / np.where(usable, total + followers, 1)
            probabilities = np.where(usable, mixed, probabilities)
            # What ends at a token is the context of the next one; nothing longer than one token ends at the first.
            first = self._unigram(int(ids[0])) if order == 0 else -1
            context = np.concatenate([[first], np.where(seen, found, -1)[:-1]])
        return -math.fsum(np.log2(probabilities))

    def _unigram(self, token: int) -> int:
        """The place of a token among the 1-grams; -1 when it was never seen."""
        place = int(np.searchsorted(self._grams[0], token))
        return place if place < len(self._grams[0]) and self._grams[0][place] == token else -1
