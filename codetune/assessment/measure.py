"""Measuring a base model: bits per byte on whole files, and the functions it writes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from codetune.assessment.bodies import Asked, function_text, has_body
from codetune.assessment.compressors import NgramModel, xz_bits, zstd_bits
from codetune.generation.batch import answer_all
from codetune.modeling.load import LoadedModel
from codetune.names import unbound_names
from codetune.pretraining.evaluation import bits_per_byte
from codetune.progress import track


@dataclass(frozen=True)
class Written:
    """What the model wrote below one head, up to the function's end."""

    id: str
    source: str
    parses: bool
    unbound: list[str]
    stopped: bool


def compare_bits(loaded: LoadedModel, ngrams: NgramModel, texts: list[str]) -> dict[str, float]:
    """Bits per byte over `texts`: of the model, of 5-grams of the same tokens, of xz and zstd on all texts at once."""
    bits, density = bits_per_byte(loaded.model, loaded.tokenizer, texts, loaded.context)
    end = loaded.tokenizer.eos_token_id
    encoded = loaded.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    ngram = math.fsum(ngrams.bits(np.array([end, *ids])) for ids in encoded)
    whole = "".join(texts).encode()
    found = {
        "model": bits,
        "ngram": ngram / len(whole),
        "xz": xz_bits(whole) / len(whole),
        "zstd": zstd_bits(whole) / len(whole),
        "bytes_per_token": density,
    }
    return {name: round(value, 4) for name, value in found.items()}


def write_functions(
    loaded: LoadedModel, asked: list[Asked], *, max_new_tokens: int, batch_size: int
) -> Iterator[Written]:
    """Greedy continuations of every head, in order."""
    prompts = loaded.tokenizer([one.head for one in asked], add_special_tokens=False)["input_ids"]
    answers = answer_all(loaded, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size)
    found = dict(track(answers, len(prompts), "functions written by the base"))
    for index, one in enumerate(asked):
        answer = loaded.tokenizer.decode(found[index].ids)
        source = function_text(one.head, answer)
        parses = has_body(source)
        unbound = unbound_names(source, one.known) if parses else []
        # An answer that goes on after the function has ended it, too.
        stopped = found[index].stopped or len(source) < len(one.head + answer)
        yield Written(one.id, source, parses, unbound, stopped)


def summarize(written: list[Written]) -> dict[str, Any]:
    """Shares of functions that parse, that parse and use bound names only, and that end; commonest unbound names."""
    size = len(written)
    unbound = Counter(name for one in written for name in one.unbound)
    return {
        "functions": size,
        "parses": round(sum(one.parses for one in written) / size, 4),
        "names_bound": round(sum(one.parses and not one.unbound for one in written) / size, 4),
        "ended": round(sum(one.stopped for one in written) / size, 4),
        "unbound": dict(sorted(unbound.items(), key=lambda item: (-item[1], item[0]))[:10]),
    }
