"""Answers that want to score without being right, or to do harm: none does either, and each is stopped as expected."""

import os
import socket
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import psutil
import pytest

from codetune.evaluation.problems.suites import Examples, Suite, parse_examples
from codetune.evaluation.sandbox.trial import TestResult as Verdict
from codetune.evaluation.sandbox.trial import run_against_tests

TESTS = Suite("", ("f",), "assert f(2) == 4\nassert f([3]) == [9, 'secret of the tests']\n")
EXAMPLES = Examples("", ("f",), parse_examples(">>> f(2)\n4\n>>> f([3])\n[9, 'secret of the tests']\n"))
HONEST = "def f(x):\n    return x * x if isinstance(x, int) else [9, 'secret of the tests']\n"

# What each attack runs, and what it is stopped by. HERE, PORT and PARENT stand for a folder that is to be written to,
# a port that listens, and the process that judges.
ATTACKS = {
    "object equal to everything": (
        "class E:\n    def __eq__(self, other): return True\ndef f(x): return E()",
        "forbidden",
    ),
    "number equal to everything": (
        "class E(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\ndef f(x): return E(1)",
        "forbidden",
    ),
    "list with an object equal to everything": (
        "class E:\n    def __eq__(self, other): return True\ndef f(x): return 4 if x == 2 else [9, E()]",
        "forbidden",
    ),
    "argument filled with objects equal to everything": (
        "class E:\n    def __eq__(self, other): return True\ndef f(x):\n    if x == 2: return 4\n    x[:] = [E()]\n    return x",
        "forbidden",
    ),
    "leaving with status 0": ("import os\ndef f(x): os._exit(0)", "exited"),
    "leaving while loading": ("import os\nos._exit(0)", "exited"),
    "exit exception": ("import sys\ndef f(x): sys.exit(0)", "exception"),
    "interrupt": ("def f(x): raise KeyboardInterrupt", "exception"),
    "printed verdict": (
        "import sys\ndef f(x):\n    print('{\"verdict\": \"passed\", \"detail\": \"\"}')\n    sys.__stdout__.flush()\n    return 0",
        "assertion",
    ),
    "verdict written to every file that is open": (
        """
        import os
        def f(x):
            for number in range(64):
                try: os.write(number, b'{"verdict": "passed", "detail": ""}\\n')
                except OSError: pass
            return 0
        """,
        "exception",
    ),
    "reply that is none, on every file that is open": (
        """
        import os
        def f(x):
            for number in range(64):
                try: os.write(number, b'[' * 100000 + b'\\n')
                except OSError: pass
            return 0
        """,
        "forbidden",
    ),
    "name that no file can hold": (
        """
        import os
        for number in range(64):
            try: os.write(number, b'{"raised": "x", "name": "\\\\ud800"}\\n')
            except OSError: pass
        def f(x): return 0
        """,
        "exception",
    ),
    "first message forged": (
        """
        import os
        for number in range(64):
            try: os.write(number, b'{"missing": 7}\\n')
            except OSError: pass
        def f(x): return 0
        """,
        "missing",
    ),
    "value of an unknown kind, through the harness": (
        """
        import sys
        def f(x):
            sys.modules["codetune.evaluation.sandbox.inside.answer"].encode = lambda value: {"anything": []}
            return 0
        """,
        "exception",
    ),
    "comparison replaced": (
        """
        import builtins, sys
        def f(x):
            for module in list(sys.modules.values()):
                for name in ("assertion", "AssertionError"):
                    try: setattr(module, name, BaseException)
                    except Exception: pass
            builtins.AssertionError = BaseException
            builtins.isinstance = lambda *_: True
            return 0
        """,
        ("assertion", "exited"),
    ),
    "expected values sought in the callers": (
        """
        import gc, sys
        def f(x):
            if x == 2: return 4
            frame = sys._getframe()
            while frame:
                for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                    if "secret" + " of the" in repr(value) and "sought" not in repr(value):
                        return [9, "secret" + " of the tests"]
                frame = frame.f_back
            for value in gc.get_objects():
                if type(value) is str and value.startswith("assert f"): return [9, "secret" + " of the tests"]
            return "sought"
        """,
        "assertion",
    ),
    "tests read from other processes": (
        """
        import glob
        def f(x):
            if x == 2: return 4
            for path in glob.glob("/proc/*/*"):
                try: text = open(path, "rb").read()
                except OSError: continue
                if b"secret" + b" of the" in text: return [9, "secret" + " of the tests"]
            return 0
        """,
        "assertion",
    ),
    "a file of the machine": ("def f(x): return open('HERE/secret').read()", "exception"),
    "the environment": ("import os\ndef f(x): return os.environ['CODETUNE_SECRET']", "exception"),
    "writing outside": ("def f(x): open('HERE/harm', 'w')", "exception"),
    "writing where anyone may": (
        """
        import os
        def f(x):
            for folder in ("/", "/home", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/python", "/harness", os.getcwd()):
                try:
                    with open(folder + "/harm", "w") as file: file.write("x")
                except OSError: continue
                os._exit(99)
            return 0
        """,
        "assertion",
    ),
    "filling the disk": (
        "import tempfile\ndef f(x):\n    with tempfile.TemporaryFile() as file:\n        while True: file.write(b'x' * 1000000)",
        "exception",
    ),
    "file in memory": (
        "import os\ndef f(x):\n    file = os.memfd_create('x')\n    while True: os.write(file, b'x' * 1000000)",
        ("exited", "exception"),
    ),
    "filling the memory": ("def f(x): return len('x' * 10 ** 10)", "memory"),
    "filling the memory bit by bit": ("def f(x):\n    found = []\n    while True: found.append('x' * 10**6)", "memory"),
    "fork bomb": ("import os\ndef f(x):\n    while True: os.fork()", "exception"),
    "thread bomb": (
        "import threading, time\ndef f(x):\n    while True: threading.Thread(target=time.sleep, args=(9,)).start()",
        "exception",
    ),
    "shell": ("import subprocess\ndef f(x): return subprocess.run(['sh', '-c', 'echo 4'], capture_output=True)", "exception"),
    "shell, through the subclasses of object": (
        """
        def f(x):
            kinds = [kind for kind in ().__class__.__base__.__subclasses__() if kind.__name__ == "_wrap_close"]
            return kinds[0].__init__.__globals__["system"]("touch HERE/harm")
        """,
        "assertion",
    ),
    "network": (
        "import socket\ndef f(x): return socket.create_connection(('127.0.0.1', PORT), 2)",
        "exception",
    ),
    "killing the judge": (
        "import os, signal\ndef f(x):\n    os.kill(PARENT, signal.SIGKILL)\n    return 0",
        "exception",
    ),
    "killing everybody": (
        """
        import os, signal
        def f(x):
            for number in [-1, 1, os.getppid(), *range(2, 2000)]:
                if number != os.getpid():
                    try: os.kill(number, signal.SIGKILL)
                    except OSError: pass
            return 0
        """,
        ("assertion", "timeout", "exited"),
    ),
    "privileges through a namespace of users": (
        """
        import ctypes, os
        def f(x):
            libc = ctypes.CDLL(None, use_errno=True)
            libc.unshare(0x10000000 | 0x00020000)
            libc.mount(b"none", b"/home", b"tmpfs", 0, None)
            with open("/home/harm", "w") as file: file.write("x" * 10**6)
            os._exit(99)
        """,
        ("exited", "exception"),
    ),
    "loop": ("def f(x):\n    while True: pass", "timeout"),
    "loop that is deaf to signals": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef f(x):\n    while True: pass",
        "timeout",
    ),
    "sleep": ("import time\ndef f(x): time.sleep(1000)", "timeout"),
    "endless output": ("def f(x):\n    while True: print('x' * 1000)", "exception"),
    "value without end": ("def f(x): return 'x' * 10**7", "forbidden"),
    "value nested without end": (
        "def f(x):\n    found = []\n    for _ in range(10**5): found = [found]\n    return found",
        "exception",
    ),
    "line closed": ("import os\ndef f(x):\n    os.closerange(0, 64)\n    return 0", ("exited", "exception")),
    "crash": ("import ctypes\ndef f(x): ctypes.string_at(0)", "exited"),
}  # fmt: skip


# Where the examples run beside the answer: any value may be returned, and what it prints is compared.
PRINTS = {
    "object equal to everything": "assertion",
    "number equal to everything": "assertion",
    "list with an object equal to everything": "assertion",
    "argument filled with objects equal to everything": "assertion",
    "verdict written to every file that is open": "forbidden",
    "value without end": "exception",
}
# Attacks on that way alone.
ON_EXAMPLES = {
    "what must be printed sought in the process": (
        """
        import gc, sys
        def f(x):
            if x == 2: return 4
            frame = sys._getframe()
            while frame:
                for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                    if "secret" + " of the" in repr(value) and "sought" not in repr(value):
                        return [9, "secret" + " of the tests"]
                frame = frame.f_back
            for value in gc.get_objects():
                if type(value) is dict and "want" in value: return value["want"]
            return "sought"
        """,
        "assertion",
    ),
    "reply forged": (
        """
        import os
        def f(x):
            for number in range(64):
                try: os.write(number, b'{"printed": "4\\\\n"}\\n' * 9)
                except OSError: pass
            return 4
        """,
        "assertion",
    ),
    "reply without what is printed": (
        """
        import os
        def f(x):
            for number in range(64):
                try: os.write(number, b'{}\\n{"printed": null}\\n{"printed": ["..."]}\\n')
                except OSError: pass
        """,
        "forbidden",
    ),
    "reply that says that it has failed as it must": (
        """
        import os
        def f(x):
            for number in range(64):
                try: os.write(number, b'{"raised": "ValueError", "last_line": "..."}\\n')
                except OSError: pass
        """,
        "forbidden",
    ),
    "harness replaced": (
        """
        import builtins, sys
        def f(x):
            harness = sys.modules["codetune.evaluation.sandbox.inside.examples"]
            harness._run = lambda source, namespace: {"printed": "...", "passed": True, "verdict": "passed"}
            sys.displayhook = lambda value: print("passed")
            builtins.repr = lambda value: "..."
        """,
        "assertion",
    ),
    "name of the function in the examples taken": (
        """
        import sys
        def f(x):
            sys._getframe(1).f_globals["f"] = lambda x: Ellipsis
            return 4
        """,
        "assertion",
    ),
}


@pytest.fixture(scope="module")
def listener():
    """A port of the machine, and who has called on it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        callers = []

        def wait():
            while True:
                try:
                    callers.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=wait, daemon=True).start()
        yield server.getsockname()[1], callers


# The operating system zeroes each page of memory, which takes longer than 5 s of processor time on a busy machine.
OTHER_LIMITS = {"sleep": {"wall_s": 3}, "filling the memory bit by bit": {"cpu_s": 60}}
AT_ONCE = 3


class Judged(NamedTuple):
    """The verdict on an attack, and the names in its folder afterwards."""

    verdict: Verdict
    left: list[str]


class Judge:
    """Judges all chosen attacks under a way of isolation when the first is asked for: side by side, with honest answers
    among them and one after them.

    :param chosen: isolation, name and tests of each attack.
    """

    def __init__(self, chosen, limits, port, folder):
        self._chosen, self._limits, self._port, self._folder = chosen, limits, port, folder
        self._judged = {}

    def attack(self, isolation, name, tests):
        """Return what became of an attack, and whether all honest answers passed."""
        if isolation.name not in self._judged:
            self._judged[isolation.name] = self._all(isolation)
        judged, honest = self._judged[isolation.name]
        return judged[name, type(tests)], honest

    def _all(self, isolation):
        asked = [(name, tests) for way, name, tests in self._chosen if way is isolation]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            attacks, honest = {}, []
            for name, tests in asked:
                attacks[name, type(tests)] = pool.submit(self._one, isolation, name, tests)
                honest.append(pool.submit(run_against_tests, HONEST, tests, isolation, self._limits))
            judged = {key: future.result() for key, future in attacks.items()}
            verdicts = [future.result() for future in honest]
        verdicts += [run_against_tests(HONEST, tests, isolation, self._limits) for tests in (TESTS, EXAMPLES)]
        return judged, all(verdict.passed for verdict in verdicts)

    def _one(self, isolation, name, tests):
        folder = Path(mkdtemp(dir=self._folder))
        (folder / "secret").write_text("secret")
        folder.chmod(0o777)
        source = textwrap.dedent((ATTACKS | ON_EXAMPLES)[name][0]).replace("HERE", str(folder))
        source = source.replace("PORT", str(self._port)).replace("PARENT", str(os.getpid()))
        verdict = run_against_tests(source, tests, isolation, replace(self._limits, **OTHER_LIMITS.get(name, {})))
        return Judged(verdict, sorted(path.name for path in folder.iterdir()))


@pytest.fixture(scope="module")
def judge(request, limits, listener, tmp_path_factory):
    """A judge of the attacks that are chosen on the command line."""
    cases = [
        item.callspec.params
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    chosen = [(case["isolation"], case["name"], case["tests"]) for case in cases if "name" in case]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CODETUNE_SECRET", "secret")
        yield Judge(chosen, limits, listener[0], tmp_path_factory.mktemp("attacks"))


def identifier(value):
    return value if isinstance(value, str) else type(value).__name__


def test_there_are_enough_attacks():
    assert len(ATTACKS) >= 20


@pytest.mark.parametrize(
    ("name", "tests"),
    [(name, TESTS) for name in ATTACKS] + [(name, EXAMPLES) for name in (*ATTACKS, *ON_EXAMPLES)],
    ids=identifier,
)
def test_attack_neither_scores_nor_harms(name, tests, isolation, judge, listener):
    (verdict, left), honest = judge.attack(isolation, name, tests)
    expected = (ATTACKS | ON_EXAMPLES)[name][1]
    if tests is EXAMPLES:
        expected = PRINTS.get(name, expected)
    assert not verdict.passed
    assert verdict.outcome in ((expected,) if isinstance(expected, str) else expected), verdict
    assert "99" not in verdict.detail, "it wrote where it must not"
    assert left == ["secret"]
    assert listener[1] == []
    assert honest, "who is judged beside it or next does not suffer"


def test_nothing_goes_on_afterwards(isolation, limits):
    source = "import os, time\nos.closerange(0, 64)\nwhile True: time.sleep(1)"
    here = psutil.Process()
    others, seen = set(here.children(recursive=True)), set()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_against_tests, source, TESTS, isolation, replace(limits, wall_s=3))
        while not running.done():
            seen.update(here.children(recursive=True))
            time.sleep(0.05)
    assert running.result().outcome == "timeout"
    assert len(seen - others) > 1, "the tool and the interpreter in it"
    assert psutil.wait_procs(seen - others, timeout=20)[1] == []
