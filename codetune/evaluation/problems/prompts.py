"""Selection of the prompts that models answer: test rows, spread evenly over the groups, and problems of benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, zip_longest

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, stable_seed
from codetune.evaluation.problems.sets import ProblemSet


@dataclass(frozen=True)
class Prompt:
    """A prompt.

    :param row: a test row; for the problem of a benchmark its `set` and `id`.
    :param ids: the token ids of the prompt.
    """

    row: JsonObject
    ids: list[int]


@dataclass(frozen=True)
class Selection:
    """The prompts to answer.

    :param prompts: the prompts, in order.
    :param skipped: the number of rows that were skipped, by reason.
    """

    prompts: list[Prompt]
    skipped: dict[str, int]


def select_prompts(
    rows: list[JsonObject], tokenize: Callable[[str], list[int]], *, max_prompts: int, max_tokens: int, seed: int
) -> Selection:
    """Select test rows, one from each group in turn, so that large groups do not dominate.

    The order depends only on the seed and the ids and groups of the rows.

    :param rows: the test rows.
    :param tokenize: returns the token ids of the prompt for an instruction.
    :param max_prompts: the maximal number of prompts.
    :param max_tokens: the longest prompt, in tokens, that leaves room for an answer; longer ones are skipped (reason
        `too_long`).
    :param seed: determines the order of groups and rows.
    :raises UserError: when no prompt is left.
    """
    groups: dict[str, list[Prompt]] = {}
    skipped = 0
    for row in sorted(rows, key=lambda row: (stable_seed(seed, "prompt", row["id"]), row["id"])):
        ids = tokenize(row["instruction"])
        if len(ids) > max_tokens:
            skipped += 1
        else:
            groups.setdefault(row["group"], []).append(Prompt(row, ids))
    if not groups:
        raise UserError(
            f"no test prompt can be answered: {skipped} of {len(rows)} test rows have prompts over {max_tokens} tokens",
            "Lower generate.max_new_tokens, or run `dvc repro` to create the data.",
        )
    order = sorted(groups, key=lambda group: (stable_seed(seed, "group", group), group))
    turns = chain.from_iterable(zip_longest(*(groups[group] for group in order)))
    prompts = [prompt for prompt in turns if prompt is not None]
    return Selection(prompts[:max_prompts], {"too_long": skipped})


def reword(
    prompts: list[Prompt],
    reworded: dict[str, str],
    tokenize: Callable[[str], list[int]],
    *,
    count: int,
    max_tokens: int,
) -> Selection:
    """Return the first `count` prompts that have a reworded instruction, with that instruction.

    :param prompts: the original prompts; the rows keep their ids.
    :param reworded: the reworded instructions, by the id of the row; rows without one are skipped (reason
        `no_other_words`).
    :param tokenize: returns the token ids of the prompt for an instruction.
    :param count: the maximal number of prompts.
    :param max_tokens: the longest prompt, in tokens, that leaves room for an answer; longer ones are skipped (reason
        `too_long`).
    """
    found: list[Prompt] = []
    skipped = {"too_long": 0, "no_other_words": 0}
    for prompt in prompts:
        if len(found) == count:
            break
        words = reworded.get(prompt.row["id"])
        ids = [] if words is None else tokenize(words)
        if words is None:
            skipped["no_other_words"] += 1
        elif len(ids) > max_tokens:
            skipped["too_long"] += 1
        else:
            found.append(Prompt(prompt.row | {"instruction": words}, ids))
    return Selection(found, skipped)


def select_benchmark(problems: ProblemSet, tokenize: Callable[[str], list[int]], max_tokens: int) -> Selection:
    """Return a prompt for the question of each problem of a benchmark, in order.

    :param problems: the benchmark.
    :param tokenize: returns the token ids of the prompt for a question.
    :param max_tokens: the longest prompt, in tokens, that leaves room for an answer; longer ones are skipped (reason
        `too_long`).
    """
    prompts = [Prompt({"set": problems.name, "id": each.id}, tokenize(each.question)) for each in problems.problems]
    fitting = [prompt for prompt in prompts if len(prompt.ids) <= max_tokens]
    return Selection(fitting, {"too_long": len(prompts) - len(fitting)})
