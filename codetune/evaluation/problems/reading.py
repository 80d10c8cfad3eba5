"""Problems whose answers can be tried: files in the formats of HumanEval and MBPP, and functions with doctests."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, given_rows
from codetune.evaluation.answers import extract_code, read_answer
from codetune.evaluation.problems.suites import Example, Examples, Suite, parse_examples
from codetune.python_source.indentation import dedented, indented
from codetune.python_source.names import unbound_names
from codetune.python_source.tree import docstring_of, parse_tree, parsed

COMPLETE = "Complete this Python function. Answer with the whole function in one code block."
_REMEDY = (
    "Give JSON lines, or a JSON list, in the format of HumanEval (task_id, prompt, entry_point, test, "
    "canonical_solution) or MBPP (task_id, code, test_list)."
)


@dataclass(frozen=True)
class Problem:
    """A task with tests.

    :param start: the head of a function, after what it needs (imports, other functions), for the answer to complete.
    :param reference: an answer that is known to be right, as a whole source.
    :param instruction: what is asked for in words, where there is no `start`.
    """

    id: str
    start: str
    reference: str
    tests: Suite | Examples
    instruction: str = ""

    @property
    def question(self) -> str:
        """What an instruct model is asked: the instruction, or to complete the head of the function."""
        return self.instruction or f"{COMPLETE}\n\n```python\n{self.start.strip()}\n```"

    def source(self, answer: str) -> str:
        """An answer as a whole source, after what the function needs.

        What goes on from `start` need be no source by itself, so it is taken as it stands where that parses. Else the
        answer is in Markdown: its code is the whole function, or a body to indent below the head.
        """
        if not self.start:
            return extract_code(answer)
        whole = self.start + answer
        if parsed(whole):
            return whole
        opened = read_answer(whole)
        if opened.form == "opened" and len(opened.code.strip()) > len(self.start.strip()):
            return opened.code  # it goes on from `start` up to a fence
        found = read_answer(answer)
        defined = re.findall(r"^\s*(?:async\s+)?def\s+(\w+)", found.code, re.MULTILINE)
        if set(defined) & set(self.tests.names):
            source = f"{self.start}\n{dedented(found.code)}"
        elif found.form in ("fenced", "opened"):
            source = f"{self.start}\n{indented(dedented(found.code), _indent(self.start))}"
        else:
            return whole
        return source if parsed(source) else whole


def read_problems(path: Path) -> list[Problem]:
    """The problems of a file, gzipped or not, in order.

    :raises UserError: when the file is missing or has neither format, or a task comes twice; the line is named.
    """
    problems: dict[str, Problem] = {}
    for place, task in given_rows(path, _REMEDY):
        problem = _problem(place, task)
        if problem.id in problems:
            raise UserError(f"{place}: task {problem.id} comes twice", _REMEDY)
        problems[problem.id] = problem
    if not problems:
        raise UserError(f"{path} holds no problem", _REMEDY)
    return list(problems.values())


def read_answers(path: Path, problems: list[Problem]) -> dict[str, list[str]]:
    """The answers of a file with `task_id` and `completion` on each line, by task, in order.

    :raises UserError: when a line is none of that kind, or answers a task that is not asked.
    """
    answers: dict[str, list[str]] = {problem.id: [] for problem in problems}
    remedy = "Give JSON lines with task_id and completion, as HumanEval's samples have them."
    for place, row in given_rows(path, remedy):
        try:
            task, answer = str(row["task_id"]), row["completion"]
        except (KeyError, TypeError) as error:
            raise UserError(f"{place} is no answer: {error!r}", remedy) from None
        if not isinstance(answer, str):
            raise UserError(f"{place}: expected text in completion, found {type(answer).__name__}", remedy)
        if task not in answers:
            raise UserError(f"{place} answers task {task}, which the problems do not hold", remedy)
        answers[task].append(answer)
    return answers


def doctest_problem(identity: str, code: str) -> Problem | None:
    """A function whose docstring holds examples, to be tried with them.

    None where there are none, where it is a method, and where it uses names from outside.

    :param code: source of the function with its docstring, at any indentation.
    """
    code = dedented(code)
    try:
        node = parse_tree(code).body[0]
        if unbound_names(code, frozenset()):
            return None
    except (SyntaxError, ValueError, IndexError, RecursionError):
        return None
    if not isinstance(node, ast.FunctionDef) or (node.args.args[:1] and node.args.args[0].arg in ("self", "cls")):
        return None
    docstring = docstring_of(node)
    if not docstring or ">>>" not in docstring:
        return None
    try:
        examples = parse_examples(docstring)
    except ValueError:
        return None
    return Problem(identity, "", code, Examples("", (node.name,), examples))


def held_out_problem(row: JsonObject) -> Problem:
    """A line of data/clean/problems.jsonl as a problem: hidden examples decide, those that are shown are run too."""
    examples = tuple(
        Example(each["source"], each["want"], tuple(each["options"]), decides=not each["shown"])
        for each in row["examples"]
    )
    tests = Examples(row["setup"], (row["entry_point"],), examples)
    return Problem(row["id"], "", row["reference"], tests, row["instruction"])


def _indent(head: str) -> str:
    """The white space before the last line of a function's head, which is in its body, or would be."""
    last = head.rstrip().rpartition("\n")[2]
    return last[: len(last) - len(last.lstrip())] or "    "


def _indented(code: str, indent: str) -> str:
    """Code with white space before each line that holds something; `textwrap.indent` would go into its strings."""
    return re.sub(r"^(?=.*\S)", indent, code, flags=re.MULTILINE)


def _problem(place: str, task: Any) -> Problem:
    try:
        return _humaneval(task) if "entry_point" in task else _mbpp(task)
    except (KeyError, TypeError, SyntaxError, ValueError) as error:
        raise UserError(f"{place} is no problem: {error!r}", _REMEDY) from None


def _humaneval(task: dict[str, Any]) -> Problem:
    prompt, name = str(task["prompt"]), str(task["entry_point"])
    tests = Suite(prompt, (name,), f"{task['test']}\n\ncheck({name})\n")
    return Problem(str(task["task_id"]), prompt, prompt + str(task["canonical_solution"]), tests)


def _mbpp(task: dict[str, Any]) -> Problem:
    code, tests = str(task["code"]), "\n".join(task["test_list"])
    setup = "\n".join([*task.get("test_imports", ()), str(task.get("test_setup_code") or "")])
    defined = [node.name for node in parse_tree(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    used = {node.id for node in ast.walk(parse_tree(tests)) if isinstance(node, ast.Name)}
    names = tuple(name for name in defined if name in used)
    if not names:
        raise ValueError("the tests call no function of the code")
    asked = f"{task.get('text') or task.get('prompt') or ''}\n\nIt must pass:\n{tests}"
    return Problem(str(task["task_id"]), "", code, Suite(setup, names, tests), asked)
