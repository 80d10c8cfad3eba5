"""Build a repository with many commits and experiments and with reports of realistic size, by one `git fast-import`.

Every revision has its own scores, answers and metrics. Every experiment also has its own parameters.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codetune.core.files import digest_bytes, read_json, read_jsonl

COMMITS, EXPERIMENTS = 200, 100
_REPORTS = Path("reports")
_SAMPLES = ("samples/base.jsonl", "samples/tuned.jsonl")
_SHARED = ("signatures.json", "training/summary.json", "validity/metrics.json", *_SAMPLES[:1])
_OTHER_SCALE = ("chrf", "bleu", "bertscore_f1_raw", "tree_similarity", "edit_similarity", "code_bertscore")
_START = 1_760_000_000  # Unix time, in seconds


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _file(path: str, content: bytes) -> bytes:
    return b"M 100644 inline %s\n%s" % (path.encode(), _data(content))


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def _moved(row: dict[str, Any], draw: random.Random, shift: float) -> dict[str, Any]:
    """Return the scores of a prompt with small random changes; scores that are only right or wrong stay."""
    tuned = {
        key: value if isinstance(value, int) else round(min(1.0, max(-1.0, value + draw.gauss(shift, 0.01))), 6)
        for key, value in row["tuned"].items()
        if key not in _OTHER_SCALE
    }
    return {**row, "tuned": row["tuned"] | tuned}


class History:
    """The content of the revisions. It depends only on the number of the revision."""

    def __init__(self) -> None:
        self.scores = read_jsonl(_REPORTS / "scores.jsonl")
        self.samples = read_jsonl(_REPORTS / _SAMPLES[1])
        self.metrics = read_json(_REPORTS / "metrics.json")
        self.params = Path("params.yaml").read_text(encoding="utf-8")
        self.shared = {name: (_REPORTS / name).read_bytes() for name in _SHARED}
        curves = _REPORTS / "training/plots/metrics"
        self.shared |= {path.relative_to(_REPORTS).as_posix(): path.read_bytes() for path in curves.rglob("*.tsv")}

    def files(self, number: int) -> Iterator[bytes]:
        """Yield the changed files of one revision."""
        draw = random.Random(number)
        shift = draw.gauss(0, 0.02)
        rows = [_moved(row, draw, shift) for row in self.scores]
        samples = [{**row, "answer": f"{row['answer']}  # {number}"} for row in self.samples]
        f1 = sum(row["tuned"]["bertscore_f1"] for row in rows) / len(rows)
        tuned = {**self.metrics["tuned"], "bertscore": {**self.metrics["tuned"]["bertscore"], "f1": round(f1, 6)}}
        params = re.sub(r"(?m)^( +rank: )\d+", rf"\g<1>{1 + number % 64}", self.params)
        params = re.sub(r"(?m)^( +seed: )\d+", rf"\g<1>{number}", params, count=1)
        yield _file("params.yaml", params.encode())
        yield _file("reports/metrics.json", json.dumps({**self.metrics, "tuned": tuned}, indent=2).encode())
        yield _file("reports/scores.jsonl", _lines(rows))
        yield _file(f"reports/{_SAMPLES[1]}", _lines(samples))

    def commit(self, ref: str, number: int, parent: bytes, files: Iterator[bytes]) -> Iterator[bytes]:
        """Yield a commit, with `number` as its mark."""
        person = b"Ada <ada@example.org> %d +0000" % (_START + 3600 * number)
        message = _data(f"Change {number}".encode())
        yield b"commit %s\nmark :%d\nauthor %s\ncommitter %s\n%s" % (ref.encode(), number, person, person, message)
        if parent:
            yield b"from %s\n" % parent
        yield from files

    def stream(self, commits: int, experiments: int) -> Iterator[bytes]:
        """Yield the input of git fast-import: commits on main, and experiments on the last commit."""
        for number in range(1, commits + 1):
            first = (_file(f"reports/{name}", content) for name, content in self.shared.items())
            files = (part for source in ([*first] if number == 1 else [], self.files(number)) for part in source)
            yield from self.commit("refs/heads/main", number, b":%d" % (number - 1) if number > 1 else b"", files)
        for number in range(commits + 1, commits + experiments + 1):
            ref = f"refs/exps/temporary/{digest_bytes(str(number).encode())[:8]}"
            yield from self.commit(ref, number, b":%d" % commits, self.files(number))


def build(root: Path, commits: int = COMMITS, experiments: int = EXPERIMENTS) -> None:
    """Write the repository into an empty folder, and check out its last commit."""
    git = ["git", "-C", str(root)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    with subprocess.Popen([*git, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None  # noqa: S101 - stdin is a pipe
        for part in History().stream(commits, experiments):
            importer.stdin.write(part)
        importer.stdin.close()
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    found = subprocess.run(
        [*git, "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps/temporary"],
        check=True, capture_output=True, text=True,
    ).stdout.split("\n")  # fmt: skip
    for line in filter(None, found):
        ref, commit = line.split(" ")
        name = ref.rpartition("/")[2]
        subprocess.run([*git, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/exp-{name}", commit], check=True)
        subprocess.run([*git, "update-ref", "-d", ref], check=True)
