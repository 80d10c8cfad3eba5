"""Problems with tests: from files in the formats of HumanEval and MBPP, and from functions with doctest examples."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, read_user_rows
from codetune.evaluation.answers import extract_code, read_answer
from codetune.evaluation.problems.suites import Example, Examples, Suite, parse_examples
from codetune.python_source.indentation import dedented, indented
from codetune.python_source.names import unbound_names
from codetune.python_source.tree import docstring_of, parse_or_none, parse_tree

COMPLETE = "Complete this Python function. Answer with the whole function in one code block."
_REMEDY = (
    "Give JSON lines, or a JSON list, in the format of HumanEval (task_id, prompt, entry_point, test, "
    "canonical_solution) or MBPP (task_id, code, test_list)."
)


@dataclass(frozen=True)
class Problem:
    """A programming task with tests.

    :param id: the id of the task.
    :param start: the code that the answer must complete: imports and other functions that are needed, then the head of
        the function. Empty when the task is given in words.
    :param reference: a correct answer, as complete source.
    :param tests: what decides whether an answer passes.
    :param instruction: the task in words, when `start` is empty.
    """

    id: str
    start: str
    reference: str
    tests: Suite | Examples
    instruction: str = ""

    @property
    def question(self) -> str:
        """The text for an instruct model: the instruction, or the request to complete the function in `start`."""
        return self.instruction or f"{COMPLETE}\n\n```python\n{self.start.strip()}\n```"

    def source(self, answer: str) -> str:
        """Return the complete source of an answer, with `start` before it where it is needed.

        An answer may be a plain continuation of `start`: if `start` with the answer appended parses, that is the
        source. Otherwise the code is extracted from Markdown; it is the whole function, or a body that is indented
        and appended to `start`. If nothing parses, the source is `start` with the unchanged answer.

        :param answer: the text that the model generated.
        """
        if not self.start:
            return extract_code(answer)
        whole = self.start + answer
        if parse_or_none(whole):
            return whole
        opened = read_answer(whole)
        if opened.form == "opened" and len(opened.code.strip()) > len(self.start.strip()):
            return opened.code  # the answer continues `start` and has a closing fence
        found = read_answer(answer)
        defined = re.findall(r"^\s*(?:async\s+)?def\s+(\w+)", found.code, re.MULTILINE)
        if set(defined) & set(self.tests.names):
            source = f"{self.start}\n{dedented(found.code)}"
        elif found.form in ("fenced", "opened"):
            source = f"{self.start}\n{indented(dedented(found.code), _indent(self.start))}"
        else:
            return whole
        return source if parse_or_none(source) else whole


def read_problems(path: Path) -> list[Problem]:
    """Read the problems of a file, gzipped or not, in order.

    :param path: a file in the format of HumanEval or MBPP.
    :raises UserError: when the file is missing, is empty or has another format, or a task occurs twice; the message
        names the line.
    """
    problems: dict[str, Problem] = {}
    for place, task in read_user_rows(path, _REMEDY):
        problem = _problem(place, task)
        if problem.id in problems:
            raise UserError(f"{place}: task {problem.id} occurs twice", _REMEDY)
        problems[problem.id] = problem
    if not problems:
        raise UserError(f"{path} contains no problems", _REMEDY)
    return list(problems.values())


def read_answers(path: Path, problems: list[Problem]) -> dict[str, list[str]]:
    """Read the answers of a file with `task_id` and `completion` on each line.

    :param path: a file of JSON lines, in the format of HumanEval's samples.
    :param problems: the problems that may be answered.
    :returns: the answers to each problem in the order of the file, by the id of the problem.
    :raises UserError: when a line has another format, or its task is not one of the problems.
    """
    answers: dict[str, list[str]] = {problem.id: [] for problem in problems}
    remedy = "Give JSON lines with task_id and completion, in the format of HumanEval's samples."
    for place, row in read_user_rows(path, remedy):
        try:
            task, answer = str(row["task_id"]), row["completion"]
        except (KeyError, TypeError) as error:
            raise UserError(f"{place} is not a valid answer: {error!r}", remedy) from None
        if not isinstance(answer, str):
            raise UserError(f"{place}: expected text in completion, found {type(answer).__name__}", remedy)
        if task not in answers:
            raise UserError(f"{place} answers task {task}, which is not one of the problems", remedy)
        answers[task].append(answer)
    return answers


def doctest_problem(identity: str, code: str) -> Problem | None:
    """Make a problem from a function whose docstring has doctest examples.

    :param identity: the id of the problem.
    :param code: source of the function with its docstring, at any indentation.
    :returns: a problem whose tests are the examples; None when the docstring has no valid examples, or when the
        function does not parse, is a method or uses names that are defined outside it.
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
    """Make a problem from a row of data/clean/problems.jsonl.

    All examples are run, but only the hidden ones, which the instruction does not show, decide.

    :param row: a row of that file.
    """
    examples = tuple(
        Example(each["source"], each["want"], tuple(each["options"]), decides=not each["shown"])
        for each in row["examples"]
    )
    tests = Examples(row["setup"], (row["entry_point"],), examples)
    return Problem(row["id"], "", row["reference"], tests, row["instruction"])


def _indent(head: str) -> str:
    """Return the indentation of the last line of `head`, which belongs to the body; four spaces if it has none."""
    last = head.rstrip().rpartition("\n")[2]
    return last[: len(last) - len(last.lstrip())] or "    "


def _problem(place: str, task: Any) -> Problem:
    try:
        return _humaneval(task) if "entry_point" in task else _mbpp(task)
    except (KeyError, TypeError, SyntaxError, ValueError) as error:
        raise UserError(f"{place} is not a valid problem: {error!r}", _REMEDY) from None


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
