"""The table of what the exported forms of the tuned model change, for reports/parity/parity.md and the page Try."""

from __future__ import annotations

from typing import Any

from codetune.core.markdown import escaped, table

Json = dict[str, Any]
HEAD = (
    "file", "equal answers", "first different token (median, quartiles)", "BERTScore F1", "difference", "pass@1",
    "difference",
)  # fmt: skip
_NONE = "–"
_CHECKED = (
    "llama.cpp runs the files in `models/export/gguf`. Token ids of the prompts, chat template and end tokens are "
    "equal. The numbers are not: most files have fewer bits, and llama.cpp rounds in its own way."
)


def parity_rows(report: Json) -> list[list[str]]:
    """Return the cells of the table as plain text: a row for torch, then one for each form.

    :param report: the content of reports/parity/metrics.json.
    :raises KeyError: when the report has another form.
    """
    torch, asked = report["torch"], report["prompts"]
    first = ["torch (measured)", _NONE, _NONE, f"{torch['bertscore_f1']:.3f}", _NONE, _passing(torch), _NONE]
    return [first, *(_row(name, form, asked) for name, form in report["forms"].items())]


def parity_note(report: Json) -> str:
    """Return what the table compares, in one or two sentences.

    :param report: the content of reports/parity/metrics.json.
    """
    sets = ", ".join(f"{each['prompts']} of {name}" for name, each in report["sets"].items())
    tested = f" pass@1 is over the {report['tested']} prompts with tests." if "tested" in report else ""
    return (
        f"Greedy answers to the same {report['prompts']} prompts ({sets}), at most {report['max_new_tokens']} tokens. "
        f"Differences are llama.cpp less torch, with intervals.{tested}"
    )


def parity_page(report: Json) -> str:
    """Return the content of reports/parity/parity.md.

    :param report: the content of reports/parity/metrics.json.
    """
    rows = [[escaped(cell) for cell in row] for row in parity_rows(report)]
    parts = [
        "# Parity of the exported files",
        _CHECKED,
        parity_note(report),
        table(HEAD, rows, right=range(1, len(HEAD))),
        *(f"Not run: `{name}`, because {reason}." for name, reason in report["not_run"].items()),
    ]
    if "tested" not in report:
        parts.append("The answers were not run: the machine offers no isolation, or no prompt has tests.")
    return "\n\n".join(parts) + "\n"


def _row(name: str, form: Json, asked: int) -> list[str]:
    equal, first, f1, tests = form["equal"], form["first_difference"], form["bertscore_f1"], form.get("pass@1")
    places = f"{first['median']:g} ({first['quartile_1']:g} to {first['quartile_3']:g})" if first["answers"] else _NONE
    return [
        name,
        f"{equal['count']} of {asked} ({100 * equal['low']:.0f} to {100 * equal['high']:.0f} %)",
        places,
        f"{f1['mean']:.3f}",
        _difference(f1["difference"]),
        _passing(form),
        _difference(tests["difference"]) if tests else _NONE,
    ]


def _passing(form: Json) -> str:
    tests = form.get("pass@1")
    return f"{tests['share']:.3f} ({tests['low']:.3f} to {tests['high']:.3f})" if tests else _NONE


def _difference(found: Json) -> str:
    return f"{found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
