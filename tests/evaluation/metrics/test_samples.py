from pathlib import Path
from typing import Any

import pytest

from codetune.core.errors import UserError
from codetune.core.files import write_jsonl
from codetune.evaluation.metrics.samples import prompts_digest, read_samples
from tests.support import tables


def sample(number: int, **changes: Any) -> dict[str, Any]:
    return tables.sample(f"{number:016x}", **changes)


def write(folder: Path, base: list[dict[str, Any]], tuned: list[dict[str, Any]]) -> tuple[Path, Path]:
    paths = folder / "base.jsonl", folder / "tuned.jsonl"
    write_jsonl(paths[0], base)
    write_jsonl(paths[1], tuned)
    return paths


def test_aligned_samples_come_back_as_they_are(tmp_path):
    base, tuned = [sample(1), sample(2)], [sample(1, answer=""), sample(2, stopped=False)]
    assert read_samples(*write(tmp_path, base, tuned)) == {"base": base, "tuned": tuned}


@pytest.mark.parametrize(
    ("tuned", "message"),
    [
        ([sample(2), sample(1)], r"line 1: .*base\.jsonl has id '0+1', .*tuned\.jsonl has '0+2'"),
        ([sample(1), sample(2, reference="x")], "line 2: .* has reference 'return 1', .* has 'x'"),
        ([sample(1), sample(2, instruction="x")], "line 2: .* has instruction"),
        ([sample(1)], r"has 2 answers, .*tuned\.jsonl has 1"),
        ([sample(1), sample(2), sample(3)], "has 2 answers, .* has 3"),
        ([], "has 2 answers, .* has 0"),
        ([sample(1), sample(1)], r"tuned\.jsonl:2 \(0+1\): id is also in row 1"),
        ([sample(1), sample(2, answer=None)], r"tuned\.jsonl:2 \(0+2\): answer is None, expected text"),
        ([sample(1), sample(2, stopped=1)], r"tuned\.jsonl:2 \(0+2\): stopped is 1, expected true or false"),
        ([sample(1), {"id": "2" * 16}], r"tuned\.jsonl:2 \(2+\): column group is missing, expected text"),
    ],
)
def test_samples_of_other_prompts_are_refused(tuned, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        read_samples(*write(tmp_path, [sample(1), sample(2)], tuned))
    assert "dvc repro --force --single-item generate@tuned" in caught.value.remedy


def test_no_samples_at_all_are_refused(tmp_path):
    with pytest.raises(UserError, match="has 0 answers"):
        read_samples(*write(tmp_path, [], []))


@pytest.mark.parametrize("key", ["id", "instruction", "reference"])
def test_the_digest_moves_with_every_part_of_a_prompt(key):
    assert prompts_digest([sample(1)]) != prompts_digest([sample(1, **{key: "other"})])


def test_the_digest_stands_for_the_prompts_alone():
    assert prompts_digest([sample(1)]) == prompts_digest([sample(1, answer="other", stopped=False)])
    assert prompts_digest([sample(1), sample(2)]) != prompts_digest([sample(2), sample(1)])
