"""Reading of the answers to score, with checks that both models answered the same prompts."""

from __future__ import annotations

from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, digest_bytes
from codetune.evaluation.problems.sets import ProblemSet, unpack_answer
from codetune.schemas.reading import read_rows
from codetune.schemas.samples import BENCHMARK_SAMPLES, SAMPLES

VARIANTS = ("base", "tuned")
Samples = dict[str, list[JsonObject]]
_PROMPT_KEYS = ("id", "instruction", "reference")
_REMEDY = " ".join(f"Run `dvc repro --force --single-item generate@{variant}`." for variant in VARIANTS)


def read_samples(base: Path, tuned: Path, least: int = 1) -> Samples:
    """Read the answers of base and tuned model.

    :param base: the file of answers of the base model.
    :param tuned: the same for the tuned model.
    :param least: the minimal number of answers of each model.
    :returns: the rows by variant; the same index in both lists belongs to the same prompt.
    :raises UserError: when a file is missing, a row does not match the schema, there are fewer answers than `least`, or
        the prompts of the two files differ.
    """
    paths = dict(zip(VARIANTS, (base, tuned), strict=True))
    samples = {variant: list(read_rows(path, SAMPLES)) for variant, path in paths.items()}
    _check_aligned(paths, samples, least)
    return samples


def read_benchmark_samples(base: Path, tuned: Path, sets: list[ProblemSet]) -> dict[str, Samples]:
    """Read the answers of base and tuned model to benchmarks, and add the texts that the files leave out.

    :param base: the file of answers of the base model.
    :param tuned: the same for the tuned model.
    :param sets: the benchmarks that were answered.
    :returns: the rows by benchmark and variant; benchmarks without answers are left out.
    :raises UserError: when a file is missing, a row does not match the schema or answers a problem that is not in
        `sets`, or the problems of the two files differ.
    """
    problems = {(each.name, problem.id): problem for each in sets for problem in each.problems}
    paths = dict(zip(VARIANTS, (base, tuned), strict=True))
    found: dict[str, Samples] = {each.name: {variant: [] for variant in VARIANTS} for each in sets}
    for variant, path in paths.items():
        for number, row in enumerate(read_rows(path, BENCHMARK_SAMPLES), start=1):
            problem = problems.get((row["set"], row["task_id"]))
            answer = None if problem is None else unpack_answer(row, problem)
            if problem is None or answer is None:
                raise UserError(
                    f"{path}:{number} answers {row['task_id']} of {row['set']}, "
                    "which is missing from the benchmark or has another text there",
                    _REMEDY,
                )
            given = {"id": problem.id, "group": row["set"], "instruction": problem.question, "answer": answer}
            found[row["set"]][variant].append(
                given | {"reference": problem.reference, "stopped": row["stopped"], "tokens": row["tokens"]}
            )
    for samples in found.values():
        _check_aligned(paths, samples, 0)
    return {name: samples for name, samples in found.items() if samples[VARIANTS[0]]}


def prompts_digest(rows: list[JsonObject]) -> str:
    """Return the sha256 of ids, instructions and references, in order: it is equal for answers to the same prompts.

    :param rows: rows of answers.
    """
    return digest_bytes("\x1e".join("\x1f".join(row[key] for key in _PROMPT_KEYS) for row in rows).encode())


def _check_aligned(paths: dict[str, Path], samples: Samples, least: int) -> None:
    """Raise a `UserError` unless both models answered the same prompts in the same order, at least `least`."""
    base, tuned = (samples[variant] for variant in VARIANTS)
    for number, (left, right) in enumerate(zip(base, tuned, strict=False), start=1):
        for key in _PROMPT_KEYS:
            if left[key] != right[key]:
                raise UserError(
                    f"line {number}: {paths['base']} has {key} {left[key][:60]!r}, {paths['tuned']} has "
                    f"{right[key][:60]!r}; expected the same prompts in the same order",
                    _REMEDY,
                )
    if len(base) != len(tuned) or len(base) < least:
        raise UserError(
            f"{paths['base']} has {len(base)} answers, {paths['tuned']} has {len(tuned)}; expected equal "
            f"numbers, at least {least}",
            _REMEDY,
        )
