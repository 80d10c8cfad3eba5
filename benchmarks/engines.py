"""Measure the engines of the server with the embedded base model: speed of answers, and time to the first token.

Prompts have 100 tokens and answers 256. An answer that an end token ends earlier is not used, so that both sides
generate equally many tokens. The speed of an answer includes the reading of its prompt.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.timing import ROUNDS, seconds
from codetune.core.errors import UserError
from codetune.core.workers import cores
from codetune.generation.engines.choose import open_engine
from codetune.generation.engines.engine import Engine, EngineLimits, EngineModels
from codetune.generation.engines.names import EngineName
from codetune.generation.sampling import SamplingSettings

BASE = "models/base"
ADAPTERS = Path(".cache/adapters-gguf")
CONTEXT, PROMPT_TOKENS, ANSWER_TOKENS = 1024, 100, 256
_TEXT = Path(__file__).with_name("tuning.py")  # its parts are the prompts
_TIMES_TORCH, _COLD_S, _KNOWN_S, _TIMES_ALONE = 4.5, 0.5, 0.15, 1.3
_AT_ONCE, _UNKNOWN = 4, 10
_GREEDY = SamplingSettings(max_new_tokens=ANSWER_TOKENS)


def line(name: str, value: str, wanted: str, *, reached: bool) -> None:
    """Print a measurement beside its target."""
    print(f"{name:58} {value} (target: {wanted}{'' if reached else ', NOT reached'})", flush=True)


@contextmanager
def opened(name: EngineName, base: str = BASE, *, slots: int = 1, prompt_lookup: bool = False) -> Iterator[Engine]:
    """Open an engine with the base model alone, on all cores, for the block."""
    limits = EngineLimits(slots, CONTEXT, cores(), ADAPTERS, prompt_lookup=prompt_lookup)
    engine, _ = open_engine(name, EngineModels(base, None, {"base": None}, {}), limits)
    try:
        yield engine
    finally:
        engine.close()


def long_prompts(engines: Sequence[Engine], count: int, base: str = BASE) -> list[list[int]]:
    """Return prompts whose answers have the full length.

    :param engines: the engines that shall answer them.
    :param count: number of prompts; each has 100 token ids of source code.
    :raises UserError: when there are not enough such prompts.
    """
    from codetune.models.load import load_tokenizer

    ids: list[int] = load_tokenizer(base)(_TEXT.read_text(encoding="utf-8")).input_ids
    found: list[list[int]] = []
    for start in range(0, len(ids) - PROMPT_TOKENS, PROMPT_TOKENS):
        prompt = ids[start : start + PROMPT_TOKENS]
        if all(len(engine.answer_ids("base", prompt, _GREEDY)) == ANSWER_TOKENS for engine in engines):
            found.append(prompt)
        if len(found) == count:
            return found
    raise UserError(f"only {len(found)} of {count} prompts have long answers", "Use another text for the prompts.")


def answer_speed(engine: Engine, prompt: list[int]) -> float:
    """Return the tokens per second of one answer of full length.

    :raises UserError: when the answer is shorter.
    """
    start = time.perf_counter()
    found = len(engine.answer_ids("base", prompt, _GREEDY))
    took = time.perf_counter() - start
    if found != ANSWER_TOKENS:
        raise UserError(f"the answer has {found} tokens, expected {ANSWER_TOKENS}", "Use another prompt.")
    return found / took


def engine_speed() -> None:
    """Compare one answer of llama.cpp with one of torch in float32, both through our engines, in turns."""
    with opened("torch") as torch_engine, opened("llama.cpp") as llama:
        [prompt] = long_prompts([llama, torch_engine], 1)
        pairs = [(answer_speed(torch_engine, prompt), answer_speed(llama, prompt)) for _ in range(ROUNDS)]
    slow, fast = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = sorted(ours / theirs for theirs, ours in pairs)
    line(
        "one answer of llama.cpp, against torch in float32",
        f"{fast:.0f} against {slow:.1f} tokens/s, {statistics.median(ratios):.2f} times as fast "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"{_TIMES_TORCH}", reached=statistics.median(ratios) >= _TIMES_TORCH,
    )  # fmt: skip


def first_token() -> None:
    """Measure the time to the first token: of the first answer of a new engine, and with 90 of 100 tokens known."""
    cold, known, loading = [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with opened("llama.cpp") as llama:
            loading.append(time.perf_counter() - start)
            first, second = long_prompts([], 2)
            cold.append(_first_token_s(llama, first))
            _first_token_s(llama, first[:-_UNKNOWN] + second[-_UNKNOWN:])
            known.append(_first_token_s(llama, first))
    print(f"{'llama.cpp is loaded, with its tokenizer':58} {statistics.median(loading):.2f} s")
    for name, times, wanted in (
        ("first token of a new engine", cold, _COLD_S),
        ("first token with the beginning of the prompt known", known, _KNOWN_S),
    ):
        middle = statistics.median(times)
        line(name, f"{middle:.3f} s ({min(times):.3f} to {max(times):.3f})", f"{wanted} s", reached=middle <= wanted)


def _first_token_s(engine: Engine, prompt: list[int]) -> float:
    """Return the seconds until the first token. Keys and values of the request before may be used."""
    start = time.perf_counter()
    stream = engine.stream("base", prompt, _GREEDY, repeatable=False)
    next(stream)
    took = time.perf_counter() - start
    stream.close()
    return took


def answers_at_once() -> None:
    """Compare the tokens per second of four answers at once with those of one, in the same engine, in turns."""
    with opened("llama.cpp", slots=_AT_ONCE) as llama, ThreadPoolExecutor(_AT_ONCE) as pool:
        prompts = long_prompts([llama], _AT_ONCE)

        def all_at_once() -> None:
            if min(map(len, pool.map(lambda it: llama.answer_ids("base", it, _GREEDY), prompts))) != ANSWER_TOKENS:
                raise UserError("an answer is shorter than alone", "Use another prompt.")

        pairs = [
            (answer_speed(llama, prompts[0]), _AT_ONCE * ANSWER_TOKENS / seconds(all_at_once)) for _ in range(ROUNDS)
        ]
    ratios = sorted(together / alone for alone, together in pairs)
    alone, together = (statistics.median(side) for side in zip(*pairs, strict=True))
    line(
        f"{_AT_ONCE} answers at once, against one",
        f"{together:.0f} against {alone:.0f} tokens/s in all, {statistics.median(ratios):.2f} times as many "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"{_TIMES_ALONE}", reached=statistics.median(ratios) >= _TIMES_ALONE,
    )  # fmt: skip
