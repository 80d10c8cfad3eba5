"""Measure the memory bandwidth of all cores with arrays far larger than the caches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.timing import seconds
from codetune.core.workers import cores

_BYTES = 2**29  # of each array; caches have tens of megabytes
_ROUNDS = 5


def memory_bandwidth() -> float:
    """Return the bytes per second that all cores together read or copy, whichever is more; the best of five runs.

    A copy counts its reads and its writes.
    """
    arrays = [np.ones((2, _BYTES // 8)) for _ in range(cores())]
    with ThreadPoolExecutor(len(arrays)) as pool:

        def read() -> None:
            list(pool.map(lambda array: array[0].max(), arrays))

        def copy() -> None:
            list(pool.map(lambda array: np.copyto(array[0], array[1]), arrays))

        size = len(arrays) * _BYTES
        return max(max(size / seconds(read), 2 * size / seconds(copy)) for _ in range(_ROUNDS))
