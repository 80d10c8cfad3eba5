"""The command line: `python -m codetune check | summary | why | …`; the pipeline itself is run by DVC."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codetune.cli.sections import check_params
from codetune.core.errors import UserError, run_as_command
from codetune.core.files import dump_json, read_json
from codetune.evaluation.metrics.registry import F1, catalogue

_METRICS = Path("reports/metrics.json")
_EXECUTION = Path("reports/execution/metrics.json")
_WIDTH = 22


def _value(scores: dict[str, Any], key: str) -> float | None:
    """The number at a dotted key, None where an older report has none."""
    found: Any = scores
    for part in key.split("."):
        found = found.get(part, {})
    return float(found) if isinstance(found, int | float) else None


def summary(metrics: dict[str, Any]) -> str:
    """The content of reports/metrics.json as a table for the terminal."""
    lines = [f"{'':{_WIDTH}}{'base':>10}{'tuned':>10}   gain (95 % interval)"]
    for metric in catalogue():
        base, tuned = (_value(metrics[role], metric.key) for role in ("base", "tuned"))
        if base is None or tuned is None or not metric.brief:
            continue
        line = f"{metric.label:{_WIDTH}}{metric.show(base):>10}{metric.show(tuned):>10}"
        if metric.gain:
            line += f"   {metric.show_interval(metrics['gain'][metric.gain])}"
        lines.append(line)
    if "robustness" in metrics:
        found = metrics["robustness"]
        changed, moved = ([found[role][key] for role in ("base", "tuned")] for key in ("changed", F1.gain))
        lines += ["", f"{found['prompts']} of the prompts in other words:"]
        lines.append(f"{'another answer':{_WIDTH}}{changed[0]:10.4f}{changed[1]:10.4f}")
        ends = [F1.show(each["mean"], signed=True) for each in moved]
        line = f"{f'change in {F1.label}':{_WIDTH}}{ends[0]:>10}{ends[1]:>10}"
        lines.append(f"{line}   of tuned {F1.show_interval(moved[1])}")
    return "\n".join(lines)


def _interval(gain: dict[str, float]) -> str:
    return f"{gain['mean']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"


def execution_summary(sets: dict[str, Any]) -> str:
    """The content of reports/execution/metrics.json as a table for the terminal; empty where nothing was run."""
    lines = []
    for name, found in sets.items():
        if "gain" in found:
            base, tuned = (found[role]["pass@1"] for role in ("base", "tuned"))
            told = f"{len(found['won'])} won, {len(found['lost'])} lost of {found['problems']}"
            lines.append(f"{f'pass@1 {name}':{_WIDTH}}{base:10.4f}{tuned:10.4f}   {_interval(found['gain'])}, {told}")
    return "\n".join(lines)


def _told(path: Path, tell: Callable[[Any], str]) -> str:
    """What is told of a report.

    :raises UserError: when the report lacks what is told of.
    """
    try:
        return tell(read_json(path))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path} is not what this version writes: {error!r}", "Run `dvc repro` to write it.") from None


def _print_summary() -> None:
    print(_told(_METRICS, summary))
    if _EXECUTION.exists() and (told := _told(_EXECUTION, execution_summary)):
        print(f"\n{told}")
    print("\nNext: `make app` to compare and to try the model, `dvc metrics diff`, `dvc exp run -S train.lora.rank=8`.")


def _check() -> None:
    """Check params.yaml; where the base model lies here, say roughly what training is going to take, too."""
    check_params()
    from codetune.core.config import load_section
    from codetune.models.params import ModelParams
    from codetune.numerics import NumericsParams
    from codetune.training.forecast import rough_forecast
    from codetune.training.params import TrainParams

    train, named = load_section(TrainParams), Path(load_section(ModelParams).base)
    base = named if named.exists() else Path("models/base")
    if base.exists() and train.device == "cpu":
        print(rough_forecast(base, train, load_section(NumericsParams), Path("reports/training/summary.json")))


def _print_why(row: str) -> None:
    from codetune.ledger.why import why

    print(why(Path(), row))


def _print_data_diff(before: str, after: str, *, as_json: bool) -> None:
    from codetune.ledger.difference import data_difference

    text, content = data_difference(Path(), before, after)
    print(dump_json(content) if as_json else text, end="" if as_json else "\n")


def _print_comparison(arguments: argparse.Namespace) -> None:
    from codetune.compare.gather import side_by_side
    from codetune.compare.renderers.data import as_csv, as_json
    from codetune.compare.renderers.text import as_markdown, as_text

    found = side_by_side(Path(), arguments.before, arguments.after)
    if arguments.json:
        print(dump_json(as_json(found)), end="")
    elif arguments.csv:
        print(as_csv(found), end="")
    else:
        print(as_markdown(found) if arguments.markdown else as_text(found))


def _print_sources() -> None:
    from codetune.core.config import load_section
    from codetune.data.ingest.params import IngestParams
    from codetune.data.ingest.report import describe
    from codetune.data.ingest.sources import read_sources

    for line in describe(read_sources(load_section(IngestParams))):
        print(line)


def _write_answers(arguments: argparse.Namespace) -> None:
    from codetune import numerics

    numerics.fix()
    from codetune.evaluation.execution.answering import Asking, answer_problems
    from codetune.evaluation.problems.reading import read_problems
    from codetune.generation.sampling import SamplingSettings

    sampling = SamplingSettings(
        temperature=arguments.temperature, top_p=arguments.top_p, max_new_tokens=arguments.max_new_tokens,
        seed=arguments.seed,
    )  # fmt: skip
    asking = Asking(arguments.model, arguments.adapter, arguments.samples, sampling, system=arguments.system)
    made = answer_problems(read_problems(arguments.problems), asking, arguments.output)
    print(f"{made} answers made, in {arguments.output}")
    print(f"Next: `python -m codetune execute {arguments.problems} {arguments.output}`.")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {text}")
    return value


def _print_verdicts(arguments: argparse.Namespace) -> None:
    from codetune.cli.execution import as_text, execute

    report = execute(arguments.problems, arguments.answers, arguments.output).report(arguments.k)
    print(dump_json(report) if arguments.json else as_text(report), end="" if arguments.json else "\n")


def _renew_problems() -> None:
    from codetune.cli.execution import renew_problems

    print(renew_problems(Path()))


def main() -> None:
    """Run one command; all that goes wrong ends in one line."""
    run_as_command(_run)


def _run() -> None:
    parser = argparse.ArgumentParser(prog="python -m codetune", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="check params.yaml, all problems at once")
    ingest = commands.add_parser("ingest", help="say what each source would yield")
    ingest.add_argument("--dry-run", action="store_true", required=True, help="write nothing (`dvc repro` writes)")
    commands.add_parser("summary", help="print the metrics of the last run")
    why = commands.add_parser("why", help="tell a row's life, from the archive it came in to the training set")
    why.add_argument("row", help="an id or its beginning, PATH, PATH:LINE, or a function's name")
    diff = commands.add_parser("data-diff", help="say which rows came, went or changed verdict between two revisions")
    for name in ("before", "after"):
        diff.add_argument(name, help="workspace, or a branch, tag, commit or experiment")
    diff.add_argument("--json", action="store_true", help="print the same as JSON")
    versus = commands.add_parser(
        "compare", help="say what two revisions' models, parameters, stages and data differ in"
    )
    for name in ("before", "after"):
        versus.add_argument(name, help="workspace, or a branch, tag, commit or experiment")
    form = versus.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the same as JSON")
    form.add_argument("--markdown", action="store_true", help="print the same as Markdown")
    form.add_argument("--csv", action="store_true", help="print the same as one table of comma-separated values")
    _add_benchmark_commands(commands)
    arguments = parser.parse_args()
    actions: dict[str, Callable[[], None]] = {
        "check": _check,
        "ingest": _print_sources,
        "summary": _print_summary,
        "why": lambda: _print_why(arguments.row),
        "compare": lambda: _print_comparison(arguments),
        "answer": lambda: _write_answers(arguments),
        "execute": lambda: _print_verdicts(arguments),
        "problems": _renew_problems,
        "data-diff": lambda: _print_data_diff(arguments.before, arguments.after, as_json=arguments.json),
    }
    actions[arguments.command]()


def _add_benchmark_commands(commands: Any) -> None:
    asked = commands.add_parser("answer", help="have a model answer problems with tests; a killed run goes on")
    asked.add_argument("problems", type=Path, help="in the format of HumanEval or MBPP, gzipped or not")
    asked.add_argument("output", type=Path, help="gets the answers, as JSON lines")
    asked.add_argument("--model", default="models/export", help="folder of a model; the tuned one unless told")
    asked.add_argument("--adapter", type=Path, help="folder of a LoRA adapter to that model")
    asked.add_argument("--system", default="keep", help="system text: keep (what is stored with it), none, or a text")
    asked.add_argument("--samples", type=_positive, default=1, help="answers to each problem")
    asked.add_argument("--temperature", type=float, default=0.0, help="0 takes the likeliest token")
    asked.add_argument("--top-p", type=float, default=1.0, help="draw from the tokens that together are this likely")
    asked.add_argument("--max-new-tokens", type=_positive, default=256, help="tokens of an answer at the most")
    asked.add_argument("--seed", type=int, default=7, help="of the drawing; each answer has its own, drawn from it")
    trial = commands.add_parser("execute", help="try the answers to problems with tests, in a sandbox")
    trial.add_argument("problems", type=Path, help="in the format of HumanEval or MBPP, gzipped or not")
    trial.add_argument("answers", type=Path, help="JSON lines with task_id and completion")
    trial.add_argument("--k", type=_positive, nargs="+", default=[1], help="the k of pass@k; 1 unless told")
    trial.add_argument("--output", type=Path, help="write the verdict on each answer here, as JSON lines")
    trial.add_argument("--json", action="store_true", help="print the figures as JSON")
    problems = commands.add_parser("problems", help="list the held-out problems that can be believed, for git to keep")
    problems.add_argument(
        "--renew", action="store_true", required=True, help="try every reference anew, in the sandbox"
    )


if __name__ == "__main__":
    main()
