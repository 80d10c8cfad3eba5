"""A small project in a git repository, with reports as the pipeline writes them, for the tests of the page.

The numbers are random, not measured. The tests rely only on which ones are larger.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from codetune.compare.comparison import Comparison, compare
from codetune.core.files import digest_bytes, write_json, write_jsonl, write_text
from codetune.history.listing import Kind, Revision
from codetune.history.reading import load_reports
from codetune.history.reports import Reports
from codetune.history.repository import Repository
from tests.conftest import make_adapter


class Function(NamedTuple):
    """The instruction of a prompt, and its reference."""

    instruction: str
    reference: str


def _code(text: str) -> str:
    return dedent(text).strip()


FUNCTIONS = {
    "descendants": Function(
        "Write a Python function `descendants` with parameters `G` and `source`. Returns all nodes reachable from "
        "`source` in `G`.",
        _code("""
            def descendants(G, source):
                return {child for parent, child in bfs_edges(G, source)}
        """),
    ),
    "to_bool": Function(
        "Write a Python function `to_bool` with parameter `val`. Convert strings such as 'yes' or 'off' to booleans.",
        _code("""
            def to_bool(val):
                if isinstance(val, str):
                    val = val.lower()
                if val in (True, 'true', 'yes', 'on', '1', 1):
                    return True
                if val in (False, 'false', 'no', 'off', '0', 0):
                    return False
                raise ValueError(f'Cannot convert value to bool: {val!r}')
        """),
    ),
    "render_label": Function(
        "Write a Python function `render_label` with parameter `text`. Returns `text` inside <b>bold</b> tags; "
        "<script>document.title = 'broken'</script> is shown as text, *not* as **markup** or $x^2$ or :red[red].",
        _code("""
            def render_label(text):
                # <script>document.title = 'broken'</script>
                return f'<b>{text}</b>'
        """),
    ),
    "is_byte_range_valid": Function(
        "Write a Python function `is_byte_range_valid` with parameters `start`, `stop` and `length`. Checks if a "
        "given byte content range is valid for the given length.",
        _code("""
            def is_byte_range_valid(start, stop, length):
                if (start is None) != (stop is None):
                    return False
                if start is None:
                    return length is None or length >= 0
                if start >= stop:
                    return False
                return 0 <= start < length
        """),
    ),
}
PACKAGES = ("networkx", "attrs", "werkzeug", "more_itertools", "pluggy")
START = (
    "numerics:\n  mode: portable\n  threads: 2\nmodel:\n  base: models/base\n  revision: null\n"
    "serve:\n  engine: auto\n  port: 0\n  slots: 2\n  context: 0\n  max_tokens: 64\n  prompt_lookup: false\n"
    "  revisions: []\n  allowed_hosts: []\n  allowed_origins: []\n"
)
SCORES = ("bertscore_precision", "bertscore_recall", "bertscore_f1")


@dataclass(frozen=True)
class Project:
    """The folder of the project, and the ids of its commits by name, oldest first."""

    root: Path
    commits: dict[str, str]

    def reports(self, name: str) -> Reports:
        """Return the reports of a commit."""
        return load_reports(Repository(self.root), Revision(Kind.COMMIT, name, self.commits[name]))

    def compared(self, before: str, after: str) -> Comparison:
        """Compare two commits; if both are the same, return the comparison of one revision."""
        old = self.reports(before)
        return compare(old, old if before == after else self.reports(after))


def _unit(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 6)


def _score(generator: random.Random, quality: float) -> dict[str, float]:
    centre = quality + generator.gauss(0, 0.08) + random.Random(f"{generator.random()} {quality}").gauss(0, 0.06)
    scores = {key: _unit(centre + generator.gauss(0, 0.01)) for key in SCORES}
    return {
        **scores,
        "bertscore_f1_raw": _unit(0.5 + scores["bertscore_f1"] / 2),
        "chrf": round(_unit(centre - 0.05) * 100, 6),
        "bleu": round(_unit(centre - 0.25) * 100, 6),
        "code_bertscore": _unit(centre + 0.3),
        "edit_similarity": _unit(centre - 0.1),
        "tree_similarity": _unit(centre - 0.2),
        "length_ratio": _unit(centre + 0.2),
        "tree_match": 0,
        "signature_kept": int(generator.random() < 0.4 + quality / 2),
        "names_bound": int(generator.random() < 0.3 + quality / 2),
        "exact_match": 0,
        "syntax_valid": int(generator.random() < 0.5 + quality / 2),
        "expected_form": 1,
        "stopped": int(generator.random() < 0.6 + quality / 3),
    }


def _mean(rows: list[dict[str, Any]], role: str, key: str) -> float:
    return round(sum(row[role][key] for row in rows) / len(rows), 6)


def _metrics(rows: list[dict[str, Any]]) -> dict[str, Any]:
    def side(role: str) -> dict[str, Any]:
        means = {key: _mean(rows, role, key) for key in rows[0][role]}
        parts = {key.removeprefix("bertscore_"): means.pop(key) for key in (*SCORES, "bertscore_f1_raw")}
        return {"bertscore": parts, **means, **{f"corpus_{key}": means[key] / 2 for key in ("chrf", "bleu")}}

    return {"base": side("base"), "tuned": side("tuned"), "gain": {}, "prompts": len(rows)}


def _prompt(number: int) -> dict[str, str]:
    name = list(FUNCTIONS)[number % len(FUNCTIONS)]
    package = PACKAGES[number % len(PACKAGES)]
    identifier = digest_bytes(f"{name} {number}".encode())[:16]
    return {"id": identifier, "group": package, "path": f"{package}/core.py", "qualname": f"{name}_{number}"}


def _curves(folder: Path, quality: float) -> None:
    for name, every in (("train/loss", 10), ("val/loss", 50)):
        shift = 0.15 if name.startswith("val") else 0.0
        wave = random.Random(name)
        rows = [
            (step, 2.4 - quality + shift + 1.2 / (1 + step / 60) + wave.gauss(0, 0.02)) for step in range(0, 401, every)
        ]
        text = "step\tloss\n" + "".join(f"{step}\t{value:.6f}\n" for step, value in rows)
        write_text(folder / "plots" / "metrics" / f"{name}.tsv", text)


def write_reports(
    root: Path,
    *,
    tuned: float = 0.55,
    base: float = 0.40,
    prompts: int = 60,
    rank: int = 8,
    bertscore: str = "minilm-L6",
    lock: bool = True,
    solved: Collection[int] | None = None,
) -> None:
    """Write params.yaml and reports/ as a run of the pipeline would.

    :param tuned: quality of the tuned answers, 0 to 1.
    :param base: quality of the base answers, 0 to 1.
    :param prompts: number of prompts.
    :param rank: the LoRA rank in params.yaml.
    :param bertscore: the signature of BERTScore.
    :param lock: whether to write dvc.lock too.
    :param solved: numbers of the prompts whose tuned answer passes the tests; None if no answers were run.
    """
    reports = root / "reports"
    facts = [_prompt(number) for number in range(prompts)]
    rows = []
    for fact in facts:
        scores = {
            role: _score(random.Random(f"{fact['id']} {role}"), quality)
            for role, quality in (("base", base), ("tuned", tuned))
        }
        rows.append({"id": fact["id"], "group": fact["group"], **scores})
    write_jsonl(reports / "scores.jsonl", rows)
    for role in ("base", "tuned"):
        samples = []
        for number, fact in enumerate(facts):
            function = FUNCTIONS[list(FUNCTIONS)[number % len(FUNCTIONS)]]
            head = function.reference.partition("\n")[0]
            answer = f"{head}\n    return None" if role == "base" else f"{function.reference}  # rank {rank}"
            asked = {"instruction": function.instruction, "reference": function.reference}
            samples.append({**fact, **asked, "answer": answer, "tokens": 40, "stopped": True})
        write_jsonl(reports / "samples" / f"{role}.jsonl", samples)
    write_json(reports / "metrics.json", _metrics(rows))
    write_json(
        reports / "signatures.json",
        {
            "bertscore": bertscore, "chrf": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
            "bleu": "nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0",
            "corpus_chrf": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
            "corpus_bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
            "prompts_digest": digest_bytes("".join(fact["id"] for fact in facts).encode()),
            "numerics": "portable", "versions": {"torch": "2.13.0", "transformers": "5.23.0"},
        },
    )  # fmt: skip
    write_json(reports / "training" / "summary.json", {"best": {"step": 400, "val_loss": round(2.0 - tuned, 6)}})
    _curves(reports / "training", tuned)
    params = f"train:\n  seed: 7\n  learning_rate: 2e-3\n  lora:\n    rank: {rank}\n    target_modules: all-linear\n"
    score = "score:\n  seed: 7\n  bootstrap_samples: 400\n  confidence: 0.95\n"
    write_text(root / "params.yaml", START + params + score)
    if lock:
        write_lock(root, rank)
    if solved is not None:
        _write_execution(reports / "execution", [fact["id"] for fact in facts], solved)


def _write_execution(folder: Path, ids: list[str], solved: Collection[int]) -> None:
    """Write the outcomes of running the answers to all prompts. The base model solves only the first prompt."""
    passed = {"base": {0}, "tuned": solved}
    write_jsonl(folder / "verdicts.jsonl", [
        {"set": "held_out", "task_id": task, "variant": role, "detail": "",
         "outcome": "passed" if place in numbers else "assertion"}
        for role, numbers in passed.items()
        for place, task in enumerate(ids)
    ])  # fmt: skip
    shares = {role: {"pass@1": round(len(numbers) / len(ids), 4)} for role, numbers in passed.items()}
    write_json(folder / "metrics.json", {"held_out": {"digest": "1", "python": "3.11", **shares}})


def write_lock(root: Path, rank: int) -> None:
    """Write dvc.lock as DVC does: what each stage depended on, and the digests of its outputs."""
    adapter, answers = (digest_bytes(f"{name} {rank}".encode())[:32] for name in ("adapter", "answers"))
    stages: dict[str, dict[str, Any]] = {
        "train": {
            "deps": {"codetune/training": "a" * 32, "data/augmented/train.jsonl": "b" * 32},
            "params": {"train": {"seed": 7, "lora": {"rank": rank}}},
            "outs": {"models/adapter": adapter},
        },
        "generate@tuned": {"deps": {"models/adapter": adapter}, "outs": {"reports/samples/tuned.jsonl": answers}},
        "score": {"deps": {"reports/samples/tuned.jsonl": answers}, "outs": {"reports/scores.jsonl": answers}},
    }
    for name, stage in stages.items():
        stage["cmd"] = f"python -m stages {name}"
        stage["params"] = {"params.yaml": stage.get("params", {})}
        for part in ("deps", "outs"):
            stage[part] = [{"path": path, "hash": "md5", "md5": digest} for path, digest in stage[part].items()]
    with (root / "dvc.lock").open("w", encoding="utf-8") as file:
        YAML().dump({"schema": "2.0", "stages": stages}, file)


def git(root: Path, *arguments: str, when: int = 0) -> str:
    """Run git in `root` with a fixed author, `when` days after 2026-01-01. Return its output."""
    date = f"2026-01-{when + 1:02d}T12:00:00+00:00"
    environment = {
        **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_COMMITTER_DATE": date,
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root: Path, message: str, when: int) -> str:
    """Commit everything in the folder. Return the commit id."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message, when=when)
    return git(root, "rev-parse", "HEAD")


def add_experiment(root: Path, name: str, parent: str, **reports: Any) -> str:
    """Commit an experiment under the ref that DVC uses, and reset the workspace. Return the commit id."""
    write_reports(root, **reports)
    git(root, "add", "-A")
    tree = git(root, "write-tree")
    commit_id = git(root, "commit-tree", tree, "-p", parent, "-m", f"dvc: commit experiment {name}", when=9)
    git(root, "update-ref", f"refs/exps/{parent[:2]}/{parent[2:]}/{name}", commit_id)
    git(root, "reset", "-q", "--hard", "HEAD")
    return commit_id


def build_empty(root: Path) -> Project:
    """Build a clone before its first `make repro`: one commit, no reports."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    write_text(root / "params.yaml", START)
    write_text(root / ".gitignore", "models/\n")
    return Project(root, {"empty": commit(root, "Start the project", 0)})


def build_single(root: Path) -> Project:
    """Build a project that was run once."""
    project = build_empty(root)
    write_reports(root, tuned=0.45, rank=4)
    return Project(root, {**project.commits, "first": commit(root, "Run the pipeline at rank 4", 1)})


def build_project(root: Path) -> Project:
    """Build a project with several revisions.

    It has two measured commits, a later commit without changes in reports, a tag, a branch and two experiments.
    """
    project = build_single(root)
    git(root, "tag", "-a", "v0.1", "-m", "first release", when=1)
    write_reports(root, tuned=0.55, rank=8)
    second = commit(root, "Raise the rank to 8", 2)
    write_text(root / "README.md", "# Sample\n")
    readme = commit(root, "Describe the project", 3)
    git(root, "branch", "rank-4", project.commits["first"])
    worse = add_experiment(root, "hasty-lark", readme, tuned=0.47, rank=2)
    other = add_experiment(root, "other-scale", readme, tuned=0.60, rank=16, bertscore="minilm-L3")
    commits = {**project.commits, "second": second, "readme": readme, "hasty-lark": worse, "other-scale": other}
    return Project(root, commits)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The full sample project. Tests that change it use `copied_sample`."""
    return build_project(tmp_path_factory.mktemp("sample") / "project")


@pytest.fixture
def executed_sample(copied_sample: Project) -> Project:
    """The sample with two more experiments whose answers were run: the second wins three problems and loses two."""
    root, parent = copied_sample.root, copied_sample.commits["readme"]
    tried = {"few-rows": range(8), "more-rows": range(2, 11)}
    made = {name: add_experiment(root, name, parent, solved=solved) for name, solved in tried.items()}
    return Project(root, {**copied_sample.commits, **made})


@pytest.fixture
def copied_sample(sample: Project, tmp_path: Path) -> Project:
    """A copy of the sample project, which the test may change."""
    shutil.copytree(sample.root, tmp_path / "copy")
    return Project(tmp_path / "copy", sample.commits)


def add_models(root: Path, base: Path, *, adapter: bool = True) -> None:
    """Put a copy of the model `base` into the project, and an adapter that changes its answers."""
    shutil.copytree(base, root / "models" / "base")
    if adapter:
        make_adapter(base, root / "models" / "adapter")
