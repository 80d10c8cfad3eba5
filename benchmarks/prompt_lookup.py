"""Compare llama.cpp with and without prompt lookup, where the answer repeats code of the prompt.

Both sides must give the same greedy answer, token by token.
"""

from __future__ import annotations

import statistics
import time

from benchmarks.engines import line, opened
from benchmarks.timing import ROUNDS
from codetune.core.errors import UserError
from codetune.generation.engines.engine import Engine
from codetune.generation.sampling import SamplingSettings

_TIMES_PLAIN = 1.5
_GREEDY = SamplingSettings(max_new_tokens=256)
_CLASS = """class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount
        return self.balance

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError("not enough money")
        self.balance -= amount
        return self.balance
"""
_FUNCTION = '''def classify(score):
    """Return the grade for a score."""
    if score >= 90:
        return "A"
    if score >= 80:
        return "B"
    if score >= 70:
        return "C"
    if score >= 60:
        return "D"
    return "E"
'''
# The embedded model repeats the code in these answers. It does not in all answers to such requests.
REQUESTS = (
    f"Repeat this class, but rename it to `BankAccount`.\n\n```python\n{_CLASS}```",
    f"Rename the class to `BankAccount` in this code:\n\n```python\n{_CLASS}```",
    f"Add a type annotation to `score`:\n\n```python\n{_FUNCTION}```",
)


def prompt_lookup() -> None:
    """Print how many times as fast answers are with prompt lookup.

    :raises UserError: when it changes an answer.
    """
    with opened("llama.cpp") as plain, opened("llama.cpp", prompt_lookup=True) as guessing:
        ratios = []
        for _ in range(ROUNDS):
            (first, slow), (second, fast) = _answers(plain), _answers(guessing)
            if first != second:
                raise UserError("prompt lookup changes an answer", "Do not set serve.prompt_lookup.")
            ratios.append(slow / fast)
    middle = statistics.median(ratios)
    line(
        "answers that repeat the prompt, with prompt lookup",
        f"{middle:.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f}), the same tokens",
        f"{_TIMES_PLAIN}", reached=middle >= _TIMES_PLAIN,
    )  # fmt: skip


def _answers(engine: Engine) -> tuple[list[list[int]], float]:
    """Return the token ids of the answers to all requests, and the seconds they took."""
    prompts = [engine.prompt("base", [{"role": "user", "content": request}]) for request in REQUESTS]
    start = time.perf_counter()
    answers = [engine.answer_ids("base", prompt, _GREEDY) for prompt in prompts]
    return answers, time.perf_counter() - start
