"""Which held-out problems are believed: those whose reference passes again and again, and nothing idle does."""

import subprocess
import sys
from pathlib import Path

import pytest

from codetune.core.files import read_jsonl, write_json, write_jsonl
from codetune.evaluation.execution import verification
from codetune.evaluation.execution.verification import verify
from codetune.evaluation.problems.reading import held_out_problem
from codetune.evaluation.sandbox.limits import Limits
from tests.support import tables


def problem(reference, *examples, setup="", shown=()):
    """A problem with some examples, given as doctest text, of which some are shown."""
    rows = [
        {"source": source, "want": want, "options": ["ELLIPSIS"] if "..." in want else [], "shown": place in shown}
        for place, (source, want) in enumerate(examples)
    ]
    return tables.held_out_problem(reference=reference, examples=rows, entry_point="f", setup=setup)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (problem("def f(x):\n    return x + 1", ("f(1)", "2\n")), ""),
        (problem("def f(n):\n    yield from range(n)", ("list(f(2))", "[0, 1]\n")), ""),
        (problem("def f(g, x):\n    return map(g, x)", ("[*f(lambda x: -x, [1])]", "[-1]\n")), ""),
        (problem("def f(x):\n    return next(x)", ("numbers = count(3)", ""), ("f(numbers)", "3\n"), ("f(numbers)", "4\n"),
                 setup="from itertools import count", shown=(0,)), ""),
        (problem("def f(x):\n    raise KeyError(x)", ("f(1)", "Traceback (most recent call last):\n    ...\nKeyError: 1\n")), ""),
        (problem("def f(x):\n    return x", ("f(1)", "2\n")), "reference_assertion"),
        (problem("def f(x):\n    return x", ("g(1)", "2\n")), "reference_exception"),
        (problem("def f(x):\n    while True: pass", ("f(1)", "2\n")), "reference_timeout"),
        (problem("def f(x):\n    return x", ("f(1)", "1\n"), setup="import nothing"), "reference_unaskable"),
        (problem("import random\ndef f(x):\n    return random.random()", ("f(1)", "0.1\n")), "reference_assertion"),
        (problem("def f(x):\n    return object()", ("f(1)", "<object object at 0x7f00>\n")), "reference_assertion"),
        (problem("def f(x):\n    return set(x)", ("print(f('ab'))", "{'a', 'b'}\n")), "unstable"),
        (problem("def f(x):\n    return x + 1", ("f(1) == 2", "True\n")), "passed_by_doing_nothing"),
        (problem("def f(x):\n    return x > 1", ("f(2)", "True\n")), "passed_by_doing_nothing"),
        (problem("def f(x):\n    return x > 1", ("f(2)", "True\n"), ("f(0)", "False\n")), ""),
        (problem("def f(x):\n    return x", ("f(2)", "2\n")), "passed_by_doing_nothing"),
        (problem("def f(x):\n    return x + 1", ("f(1) == 2", "True\n"), ("f(1)", "2\n"), shown=(1,)), "passed_by_doing_nothing"),
    ],
)  # fmt: skip
def test_reasons(any_isolation, row, reason, monkeypatch):
    if reason != "unstable":  # two runs tell the others
        monkeypatch.setattr(verification, "_HASH_SEEDS", (0, 1))
    found = verify([held_out_problem(row)], any_isolation, Limits(cpu_s=1, wall_s=20))
    assert found.refused == ({reason: 1} if reason else {})
    assert bool(found.verified) is not bool(reason)


@pytest.mark.usefixtures("any_isolation")
def test_command_writes_the_list_and_tells_the_reasons(tmp_path):
    rows = [
        problem("def f(x):\n    return x + 1", ("f(1)", "2\n")) | {"id": "b" * 16, "digest": "1" * 16},
        problem("def f(x):\n    return x + 1", ("f(2)", "3\n")) | {"id": "a" * 16, "digest": "2" * 16},
        problem("def f(x):\n    return x", ("f(1)", "2\n")) | {"id": "c" * 16},
    ]
    write_jsonl(tmp_path / "data/clean/problems.jsonl", rows)
    write_json(tmp_path / "params.yaml", {"execute": {"cpu_s": 1}})
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "codetune", "problems", "--renew"], cwd=tmp_path, capture_output=True, text=True,
            check=False, env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin:/usr/sbin"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "2 of 3 held-out problems are verified" in done.stdout
        assert "reference_assertion" in done.stdout
        assert read_jsonl(tmp_path / "data/problems.jsonl") == [
            {"id": "a" * 16, "digest": "2" * 16}, {"id": "b" * 16, "digest": "1" * 16}
        ]  # fmt: skip
