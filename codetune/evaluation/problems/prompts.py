"""Which prompts are asked: test rows evenly spread over the groups, drawn from a seed and the row ids; benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, zip_longest

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, stable_seed
from codetune.evaluation.problems.sets import ProblemSet


@dataclass(frozen=True)
class Prompt:
    """A test row, or the `set` and the `id` of a benchmark's problem, and the ids of its prompt."""

    row: JsonObject
    ids: list[int]


@dataclass(frozen=True)
class Selection:
    """The prompts to answer, in order, and how many rows could not be asked, by reason."""

    prompts: list[Prompt]
    skipped: dict[str, int]


def select_prompts(
    rows: list[JsonObject], tokenize: Callable[[str], list[int]], *, max_prompts: int, max_tokens: int, seed: int
) -> Selection:
    """Up to `max_prompts` of `rows`, one group after the other in turn, so that no large group drowns the others.

    :param tokenize: the prompt ids of an instruction.
    :param max_tokens: the longest prompt that leaves room for an answer; longer ones are skipped and counted.
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
            f"no test prompt can be answered: {len(rows)} rows, {skipped} with a prompt over {max_tokens} tokens",
            "Lower generate.max_new_tokens, or run `dvc repro` to make the data.",
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
    """The first `count` of `prompts` that can be asked in other words, in these words; ids stay those of the originals.

    :param reworded: other words for the instruction, by the id of the row; there may be none.
    :param max_tokens: the longest prompt that leaves room for an answer; longer ones are skipped and counted.
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
    """The problems of a benchmark, in order, each asked by its question.

    :param max_tokens: the longest prompt that leaves room for an answer; longer ones are skipped and counted.
    """
    prompts = [Prompt({"set": problems.name, "id": each.id}, tokenize(each.question)) for each in problems.problems]
    fitting = [prompt for prompt in prompts if len(prompt.ids) <= max_tokens]
    return Selection(fitting, {"too_long": len(prompts) - len(fitting)})
