"""Break the code in many places, one after the other, and show that a test fails each time.

    python -m scripts.mutations                        # all mutations of scripts/mutations.yaml
    python -m scripts.mutations --only codetune/stats
    python -m scripts.mutations --list

The mutations are chosen by hand: faults that a person could make and that would matter. Each one names the tests that
must fail. They are made in a copy of the project in a temporary folder, so that the project itself never changes.
First the named tests run without a mutation, and must pass. Then each mutation gets one of three results:

- `caught`: a named test fails.
- `survived`: all named tests pass, so no test notices the fault.
- `error`: pytest ends in another way. For example, the code cannot be imported, all tests are skipped, or they take too
  long. This proves nothing about the tests.

The exit status is 0 if every mutation is caught.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from codetune.core.errors import UserError, run_as_command
from codetune.core.imports import PROJECT as ROOT

TABLE = ROOT / "scripts/mutations.yaml"
"""The file with the mutations."""
_TIMEOUT_S, _ALL_TESTS_TIMEOUT_S = 300, 3600
_TIMED_OUT = -1
_FAILED_TESTS = 1  # exit status of pytest if tests ran and some failed
_TAIL_CHARS = 3000

Result = Literal["caught", "survived", "error"]
_RESULTS: tuple[Result, ...] = get_args(Result)
_Text = Annotated[str, Field(min_length=1)]


class Mutation(BaseModel):
    """One fault, and the tests that must notice it.

    :param path: the file to change, relative to the project.
    :param fault: what is wrong after the change, in words.
    :param old: a text that occurs exactly once in the file.
    :param new: the text that replaces it.
    :param tests: test files or node ids of pytest.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    path: _Text
    fault: _Text
    old: _Text
    new: str
    tests: Annotated[list[_Text], Field(min_length=1)]

    def apply(self, text: str) -> str:
        """Return the content of the file after the change.

        :param text: the content of the file.
        :raises UserError: if `old` does not occur exactly once in it.
        """
        count = text.count(self.old)
        if count != 1:
            raise UserError(
                f"{self.path}: found {self.old!r} {count} times, expected once ({self.fault})",
                "Update the mutation in scripts/mutations.yaml.",
            )
        return text.replace(self.old, self.new)

    def line(self, text: str) -> int:
        """Return the number of the line on which the change begins, counted from 1.

        :param text: the content of the file before the change.
        """
        return text.count("\n", 0, text.index(self.old)) + 1


def read_mutations(path: Path = TABLE) -> list[Mutation]:
    """Read the table of mutations.

    :raises UserError: if it is not a valid table.
    """
    content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return TypeAdapter(list[Mutation]).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {place}: {first['msg']}", "Correct the mutation.") from None


@contextmanager
def project_copy(project: Path) -> Iterator[Path]:
    """Yield a copy of a project's files in a temporary folder; files that git ignores are left out.

    :param project: the root of a git repository.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout.split("\0")
    with tempfile.TemporaryDirectory(prefix="codetune-mutations-") as folder:
        copy = Path(folder)
        for name in filter(None, names):
            if (project / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(project / name, copy / name)
        yield copy


def run_tests(folder: Path, tests: Iterable[str], timeout_s: int = _TIMEOUT_S) -> tuple[int, str]:
    """Run some tests in a copy of the project, up to the first failure.

    :param folder: the copy.
    :param tests: test files or node ids.
    :param timeout_s: the time limit for all of them together, in seconds.
    :returns: the exit status of pytest, -1 if it reached the time limit; and what it printed.
    """
    # No compiled files: Python compares only size and second of a source, so it might use one from before a change.
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-o", "addopts=", "-p", "no:cacheprovider", *tests],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
        return _TIMED_OUT, printed
    return process.returncode, printed


def require_passing(folder: Path, mutations: list[Mutation]) -> None:
    """Check that all named tests pass without a mutation.

    :param folder: the copy of the project.
    :raises UserError: if one does not; it contains the end of what pytest printed.
    """
    tests = list(dict.fromkeys(test for mutation in mutations for test in mutation.tests))
    status, printed = run_tests(folder, tests, _ALL_TESTS_TIMEOUT_S)
    if status:
        sys.stderr.write(printed[-_TAIL_CHARS:])
        raise UserError(
            f"the named tests do not pass without a mutation (exit status {status} of pytest)",
            "Correct the code, or the names of tests in scripts/mutations.yaml.",
        )


def try_mutation(folder: Path, mutation: Mutation) -> tuple[Result, str]:
    """Make one mutation in the copy, run its tests, and restore the file.

    :param folder: the copy of the project.
    :returns: the result, and what pytest printed.
    :raises UserError: see `Mutation.apply`.
    """
    path = folder / mutation.path
    before = path.read_bytes()
    path.write_text(mutation.apply(before.decode()), encoding="utf-8", newline="")
    try:
        status, printed = run_tests(folder, mutation.tests)
    finally:
        path.write_bytes(before)
    if status == _FAILED_TESTS:
        return "caught", printed
    return ("survived" if status == 0 and re.search(r"\d passed", printed) else "error"), printed


def try_all(project: Path, mutations: list[Mutation], *, verbose: bool = False) -> Counter[Result]:
    """Try mutations one after the other, and print one line for each.

    :param project: the project; it does not change.
    :param verbose: print also the end of what pytest printed for each mutation that is not caught.
    :returns: the number of mutations by result.
    :raises UserError: if the named tests do not pass without a mutation, or a mutation does not fit its file.
    """
    counts: Counter[Result] = Counter()
    with project_copy(project) as folder:
        for mutation in mutations:
            mutation.apply((folder / mutation.path).read_text(encoding="utf-8"))
        require_passing(folder, mutations)
        for mutation in mutations:
            place = _place(folder, mutation)
            result, printed = try_mutation(folder, mutation)
            counts[result] += 1
            print(f"{result:<9} {place}: {mutation.fault}", flush=True)
            if verbose and result != "caught":
                print(printed[-_TAIL_CHARS:], flush=True)
    return counts


def _place(project: Path, mutation: Mutation) -> str:
    return f"{mutation.path}:{mutation.line((project / mutation.path).read_text(encoding='utf-8'))}"


def main(arguments: list[str] | None = None) -> None:
    """Try the mutations of the table.

    :param arguments: the arguments of the command line; None: those of the process.
    :raises SystemExit: with status 1 if a mutation is not caught.
    """
    parser = argparse.ArgumentParser(prog="python -m scripts.mutations", description="show that tests notice faults")
    parser.add_argument("--only", metavar="TEXT", default="", help="only mutations whose path contains this text")
    parser.add_argument("--list", action="store_true", help="print the mutations and their tests, and run nothing")
    parser.add_argument("--verbose", action="store_true", help="print what pytest said about mutations not caught")
    asked = parser.parse_args(arguments)
    mutations = [mutation for mutation in read_mutations() if asked.only in mutation.path]
    if not mutations:
        raise UserError(f"no mutation has {asked.only!r} in its path", "Run with --list to see all mutations.")
    if asked.list:
        for mutation in mutations:
            print(f"{_place(ROOT, mutation)}: {mutation.fault}", *mutation.tests, sep="\n    ")
        return
    counts = try_all(ROOT, mutations, verbose=asked.verbose)
    print(", ".join(f"{counts[result]} {result}" for result in _RESULTS))
    if counts["caught"] != len(mutations):
        raise SystemExit(1)


if __name__ == "__main__":
    run_as_command(main)
