"""`codetune answer`: a model's answers to problems with tests."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLE = "Example: codetune answer HumanEval.jsonl.gz answers.jsonl --samples 10 --temperature 0.5"


@click.command(epilog=_EXAMPLE)
@click.argument("problems", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--model", default="models/export", show_default=True, help="Folder of a model.")
@click.option("--adapter", type=click.Path(path_type=Path), help="Folder of a LoRA adapter to that model.")
@click.option(
    "--system", default="keep", show_default=True, help="System text: keep (what is stored with it), none, or a text."
)
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Answers to each problem.")
@click.option("--temperature", type=float, default=0.0, show_default=True, help="0 takes the likeliest token.")
@click.option(
    "--top-p", type=float, default=1.0, show_default=True, help="Draw from the tokens that together are this likely."
)
@click.option(
    "--max-new-tokens", type=click.IntRange(1), default=256, show_default=True, help="Tokens of an answer at the most."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the drawing; each answer has its own from it.")
def answer(
    problems: Path, output: Path, *, model: str, adapter: Path | None, system: str, samples: int, temperature: float,
    top_p: float, max_new_tokens: int, seed: int,
) -> None:  # fmt: skip
    """Have a model answer the problems in a file; a run that was killed goes on where it stopped.

    PROBLEMS is in the format of HumanEval or MBPP, gzipped or not. OUTPUT gets the answers, as JSON lines.
    """
    from codetune import numerics

    numerics.fix()
    from codetune.evaluation.execution.answering import Asking, answer_problems
    from codetune.evaluation.problems.reading import read_problems
    from codetune.generation.sampling import SamplingSettings

    sampling = SamplingSettings(temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens, seed=seed)
    asking = Asking(model, adapter, samples, sampling, system=system)
    made = answer_problems(read_problems(problems), asking, output)
    click.echo(f"{made} answers made, in {output}")
    click.echo(f"Next: `codetune execute {problems} {output}`.")
