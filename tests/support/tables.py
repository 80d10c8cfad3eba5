"""Valid rows of every table between stages. Each test changes the values that it is about."""

from __future__ import annotations

from typing import Any

SHA256 = "5ba1" * 16
PLACE = {
    "group": "lark", "package": "lark", "version": "1.2", "license": "MIT", "path": "lark/core.py", "qualname": "load",
}  # fmt: skip


def raw_row(identity: str = "aaaa000000000001", **changes: Any) -> dict[str, Any]:
    return {
        "id": identity, "source": "packages", **PLACE, "license_evidence": "License-Expression: MIT", "kind": "function",
        "start_line": 10, "end_line": 20, "signature": "load(path)", "docstring": "Load it.",
        "code": "def load(path):\n    ...", **changes,
    }  # fmt: skip


def pair_row(**changes: Any) -> dict[str, Any]:
    texts = {"docstring": "", "code": "", "signature": "", "instruction": "Load it.", "completion": "load()"}
    return raw_row(kind="pair", **(texts | changes))


def source_file(**changes: Any) -> dict[str, Any]:
    place = {key: PLACE[key] for key in ("group", "package", "version", "license", "path")}
    return {**place, "sha256": SHA256, "text": "import os\n", **changes}


def manifest(**changes: Any) -> dict[str, Any]:
    package = {
        "package": "lark", "version": "1.2", "sha256": SHA256, "license": "MIT", "license_evidence": "", "files": 1, "rows": 1,
    }  # fmt: skip
    source = {
        "name": "packages", "type": "packages", "licenses": ["MIT"], "file": "packages.txt", "seen": 1, "files": 1,
        "rows": 1, "files_skipped": {"empty": 1}, "rows_skipped": {}, "notes": {}, "died": [], "packages": [package],
    }  # fmt: skip
    sums = {"rows": 1, "files": 1, "bytes": 9, "files_skipped": {"empty": 1}, "rows_skipped": {}}
    return {**sums, "sources": [source], **changes}


def instruction_row(identity: str = "aaaa000000000001", **changes: Any) -> dict[str, Any]:
    texts = {"instruction": "Write a Python method `load`.", "completion": "def load(): ..."}
    return {"id": identity, "source": "packages", "parent": None, **PLACE, "lines": [10, 20], **texts, **changes}


def paraphrase(identity: str = "eeee000000000007", **changes: Any) -> dict[str, Any]:
    return instruction_row(identity, **({"parent": "aaaa000000000001", "instruction": "Create `load`."} | changes))


def ledger_row(identity: str = "aaaa000000000001", **changes: Any) -> dict[str, Any]:
    """Return a kept row of train, with the changes applied."""
    place = {key: raw_row()[key] for key in ("source", *PLACE, "license_evidence", "start_line", "end_line")}
    nothing = dict.fromkeys(("measure", "measured", "threshold", "found", "matched", "similarity"))
    lengths = {"code_lines": 8, "code_tokens": 40, "instruction_words": 12}
    return {
        "id": identity,
        **place,
        "verdict": "keep",
        "reason": "keep",
        "split": "train",
        **nothing,
        **lengths,
        **changes,
    }


def dropped_row(identity: str, reason: str, **changes: Any) -> dict[str, Any]:
    return ledger_row(
        identity,
        **({"verdict": "drop", "reason": reason, "split": None, "code_lines": None, "code_tokens": None} | changes),
    )


def sample(identity: str = "aaaa000000000001", **changes: Any) -> dict[str, Any]:
    asked = {
        "group": "g",
        "path": "g/a.py",
        "qualname": "f",
        "instruction": f"Write {identity}.",
        "reference": "return 1",
    }
    return {"id": identity, **asked, "answer": "return 2", "tokens": 3, "stopped": True, **changes}


STRUCTURE = {
    "code_bertscore": 0.75, "edit_similarity": 0.5, "tree_similarity": 0.25, "length_ratio": 0.5, "tree_match": 0,
    "signature_kept": 1, "names_bound": 1,
}  # fmt: skip


def answer_scores(**changes: Any) -> dict[str, Any]:
    bertscore = {"bertscore_precision": -0.5, "bertscore_recall": 0.5, "bertscore_f1": 0.25, "bertscore_f1_raw": 0.5}
    shares = {"exact_match": 0, "syntax_valid": 1, "expected_form": 1, "stopped": 1}
    return {**bertscore, "chrf": 12.5, "bleu": 2, **STRUCTURE, **shares, **changes}


def prompt_scores(identity: str = "aaaa000000000001", **changes: Any) -> dict[str, Any]:
    return {"id": identity, "group": "g", "base": answer_scores(), "tuned": answer_scores(bertscore_f1=0.5), **changes}


def held_out_problem(identity: str = "aaaa000000000001", **changes: Any) -> dict[str, Any]:
    place = {key: PLACE[key] for key in ("group", "package", "path")}
    example = {"source": "triple(2)\n", "want": "6\n", "options": [], "shown": False}
    return {
        "id": identity, **place, "qualname": "triple", "entry_point": "triple", "instruction": "Write `triple`.",
        "reference": "def triple(x):\n    return 3 * x", "setup": "", "examples": [example], "digest": identity[::-1],
        **changes,
    }  # fmt: skip


def benchmark_sample(**changes: Any) -> dict[str, Any]:
    given = {"set": "mine", "task_id": "HumanEval/0", "problem_sha256": SHA256, "answer": [0, "    return 2"]}
    return {**given, "tokens": 5, "stopped": True, "ended": "code", **changes}
