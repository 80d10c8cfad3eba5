"""The sandbox as an ordinary user has it: no more rights than a person's own account gives."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.evaluation.sandbox.test_attacks import ATTACKS, HONEST, TESTS

ROOT = Path(__file__).parents[3]
NOBODY = 65534
TRIED = (
    "object equal to everything", "leaving with status 0", "printed verdict", "verdict written to every file that is open",
)  # fmt: skip
SCRIPT = """
import json, sys, textwrap
from codetune.evaluation.problems.suites import Suite
from codetune.evaluation.sandbox.isolation import ISOLATIONS
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.trial import run_against_tests

asked = json.load(sys.stdin)
suite, limits = Suite(*asked["suite"]), Limits(cpu_s=1, wall_s=20, memory_mb=256)
found = {}
for way in ISOLATIONS:
    fault = way.unavailable_reason()
    found[way.name] = fault or {
        name: run_against_tests(textwrap.dedent(source), suite, way, limits).outcome
        for name, source in asked["answers"].items()
    }
print(json.dumps(found))
"""


def an_interpreter() -> str | None:
    """A Python that everyone may run; root's own often lies in its closed home."""
    for path in (Path(sys.executable).resolve(), Path("/usr/bin/python3.11"), Path("/usr/bin/python3")):
        command = [str(path), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, user=NOBODY, group=NOBODY, check=False, cwd="/").returncode == 0:
                return str(path)
        except OSError:
            continue
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_answers_are_judged_and_attacks_fail_without_privileges():
    python = an_interpreter()
    if python is None:
        pytest.skip("no Python 3.11 that an ordinary user may run")
    project = Path(mkdtemp())  # pytest's own folders are closed to others
    project.chmod(0o755)
    try:
        shutil.copytree(
            ROOT / "codetune/evaluation/sandbox",
            project / "codetune/evaluation/sandbox",
            ignore=shutil.ignore_patterns("*.pyc"),
        )
        for name in ("codetune/core/errors.py", "codetune/evaluation/problems/suites.py"):
            (project / name).parent.mkdir(parents=True)
            shutil.copy(ROOT / name, project / name)
        answers = {"honest": HONEST, **{name: ATTACKS[name][0] for name in TRIED}}
        told = subprocess.run(
            [python, "-c", SCRIPT], user=NOBODY, group=NOBODY, extra_groups=[], cwd=project, env={"PATH": "/usr/bin:/bin"},
            input=json.dumps({"suite": [TESTS.preamble, TESTS.names, TESTS.tests], "answers": answers}),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(project, ignore_errors=True)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    refused = {way: fault for way, fault in found.items() if isinstance(fault, str)}
    if len(refused) == len(found):
        pytest.skip(str(refused))  # some machines grant namespaces to root alone
    for way, outcomes in found.items():
        if way not in refused:
            assert outcomes == {"honest": "passed", **{name: ATTACKS[name][1] for name in TRIED}}, way
