"""`codetune execute`: run answers with the tests of their problems."""

from __future__ import annotations

from pathlib import Path

import click

from codetune.core.files import dump_json


@click.command(epilog="Example: codetune execute HumanEval.jsonl.gz answers.jsonl --k 1 --k 10")
@click.argument("problems", type=click.Path(path_type=Path))
@click.argument("answers", type=click.Path(path_type=Path))
@click.option("--k", "sizes", type=click.IntRange(1), multiple=True, default=[1], help="A k of pass@k; repeatable.")
@click.option("--output", type=click.Path(path_type=Path), help="File for the verdict on each answer, as JSON lines.")
@click.option("--package", "packages", multiple=True, help="An installed package that answers may import; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def execute(
    problems: Path,
    answers: Path,
    *,
    sizes: tuple[int, ...],
    output: Path | None,
    packages: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run the answers in a file with the tests of their problems, in a sandbox, and count those that pass.

    PROBLEMS is a file in the format of HumanEval or MBPP, gzipped or not. ANSWERS is a file of JSON lines with
    `task_id` and `completion`.
    """
    from codetune.cli.execution import results_text, run_answer_file

    report = run_answer_file(problems, answers, output, packages).report(list(sizes))
    click.echo(dump_json(report) if as_json else results_text(report), nl=not as_json)
