"""`codetune answer`: generate a model's answers to problems that have tests."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLE = "Example: codetune answer HumanEval.jsonl.gz answers.jsonl --samples 10 --temperature 0.5"


@click.command(epilog=_EXAMPLE)
@click.argument("problems", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--model", default="models/export", show_default=True, help="Folder of the model.")
@click.option("--adapter", type=click.Path(path_type=Path), help="Folder of a LoRA adapter for that model.")
@click.option(
    "--system",
    default="keep",
    show_default=True,
    help="System text of the chat template: keep (the one stored with the model), none, or the text itself.",
)
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Answers per problem.")
@click.option("--temperature", type=float, default=0.0, show_default=True, help="0: greedy decoding.")
@click.option(
    "--top-p",
    type=float,
    default=1.0,
    show_default=True,
    help="Sample from the most likely tokens that together have this probability.",
)
@click.option(
    "--max-new-tokens",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Largest number of tokens in an answer.",
)
@click.option(
    "--seed", type=int, default=7, show_default=True, help="Seed of the sampling; each answer derives its own."
)
def answer(
    problems: Path, output: Path, *, model: str, adapter: Path | None, system: str, samples: int, temperature: float,
    top_p: float, max_new_tokens: int, seed: int,
) -> None:  # fmt: skip
    """Generate a model's answers to the problems in a file. Run it again to continue after an interruption.

    PROBLEMS is a file in the format of HumanEval or MBPP, gzipped or not. The answers are written to OUTPUT, as JSON
    lines.
    """
    from codetune import numerics

    numerics.fix()
    from codetune.evaluation.execution.answering import AnswerSettings, answer_problems
    from codetune.evaluation.problems.reading import read_problems
    from codetune.generation.sampling import SamplingSettings

    sampling = SamplingSettings(temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens, seed=seed)
    asking = AnswerSettings(model, adapter, samples, sampling, system=system)
    made = answer_problems(read_problems(problems), asking, output)
    click.echo(f"{made} answers generated, written to {output}")
    click.echo(f"Next: `codetune execute {problems} {output}`.")
