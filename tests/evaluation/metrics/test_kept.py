"""What is kept is found again when all that it depends on is the same, and never otherwise."""

import sqlite3
from dataclasses import replace

import pytest

from codetune.evaluation.metrics.kept import ScoreCache, cache_folder, recipe
from codetune.numerics import NumericsParams

PORTABLE = NumericsParams(mode="portable", threads=2)


def test_a_value_is_found_by_its_kind_its_texts_and_the_recipe(tmp_path):
    with ScoreCache(tmp_path, "r") as kept:
        kept.put("scores", ["a", "b"], b"1")
        assert kept.get("scores", ["a", "b"]) == b"1"
    with ScoreCache(tmp_path, "r") as kept:
        assert kept.get("scores", ["a", "b"]) == b"1"
        for kind, texts in (("vectors", ["a", "b"]), ("scores", ["b", "a"]), ("scores", ["ab"]), ("scores", ["a"])):
            assert kept.get(kind, texts) is None
    with ScoreCache(tmp_path, "s") as kept:
        assert kept.get("scores", ["a", "b"]) is None


def test_a_damaged_value_counts_as_missing(tmp_path):
    with ScoreCache(tmp_path, "r") as kept:
        kept.put("scores", ["a"], b"12345678")
        kept.put("scores", ["b"], b"abcdefgh")
    with sqlite3.connect(tmp_path / "kept.sqlite") as file:
        file.execute("UPDATE kept SET value = ? WHERE value = ?", (b"12345679", b"12345678"))
    with ScoreCache(tmp_path, "r") as kept:
        assert (kept.get("scores", ["a"]), kept.get("scores", ["b"])) == (None, b"abcdefgh")
        kept.put("scores", ["a"], b"12345678")
    with ScoreCache(tmp_path, "r") as kept:
        assert kept.get("scores", ["a"]) == b"12345678"


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_made_anew(tmp_path, content):
    (tmp_path / "kept.sqlite").write_bytes(content)
    with ScoreCache(tmp_path, "r") as kept:
        kept.put("scores", ["a"], b"1")
    with ScoreCache(tmp_path, "r") as kept:
        assert kept.get("scores", ["a"]) == b"1"


def test_where_nothing_can_be_kept_everything_is_missing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with ScoreCache(tmp_path / "file", "r") as kept:
        kept.put("scores", ["a"], b"1")
        assert kept.get("scores", ["a"]) is None


def test_a_failure_keeps_what_was_written_before_and_a_busy_file_is_no_failure(tmp_path):
    with pytest.raises(KeyboardInterrupt), ScoreCache(tmp_path, "r") as kept:
        kept.put("scores", ["a"], b"1")
        raise KeyboardInterrupt
    with ScoreCache(tmp_path, "r") as kept:
        assert kept.get("scores", ["a"]) == b"1"
        other = sqlite3.connect(tmp_path / "kept.sqlite")
        other.execute("BEGIN IMMEDIATE")
        kept._file.execute("PRAGMA busy_timeout = 1")
        kept.put("scores", ["b"], b"2")
        kept.write()
        other.close()
    with ScoreCache(tmp_path, "r") as kept:
        assert kept.get("scores", ["b"]) is None


def test_the_oldest_go_first(tmp_path):
    for name in "abc":
        with ScoreCache(tmp_path, "r", max_bytes=30) as kept:
            kept.put("scores", [name], name.encode() * 10)
    with ScoreCache(tmp_path, "r", max_bytes=30) as kept:
        assert kept.get("scores", ["a"]) is not None  # asked for, so b is the oldest now
    with ScoreCache(tmp_path, "r", max_bytes=30) as kept:
        kept.put("scores", ["d"], b"d" * 10)
    with ScoreCache(tmp_path, "r", max_bytes=30) as kept:
        assert [kept.get("scores", [name]) is not None for name in "abcd"] == [True, False, True, True]


def test_the_recipe_tells_model_layer_and_numerics_apart(minilm, monkeypatch):
    found = {recipe(minilm, PORTABLE)}
    assert recipe(minilm, NumericsParams(mode="portable", threads=1)) in found, "threads change nothing"
    found |= {recipe(minilm, NumericsParams(mode="fast", threads=threads)) for threads in (1, 2)}
    for changes in ({"weights": "0" * 64}, {"tokenizer": "0" * 64}):
        monkeypatch.setattr(minilm, "files", replace(minilm.files, **changes))
        found.add(recipe(minilm, PORTABLE))
        monkeypatch.undo()
    monkeypatch.setattr(minilm, "layer", 3)
    found.add(recipe(minilm, PORTABLE))
    monkeypatch.undo()
    assert len(found) == 6


@pytest.mark.parametrize("copy", [".dvc/tmp/exps/temp8x1", ".dvc/tmp/exps/standalone/tmpab/nested"])
def test_experiments_in_a_copy_share_the_projects_folder(tmp_path, copy):
    (tmp_path / copy).mkdir(parents=True)
    assert cache_folder(tmp_path / copy) == cache_folder(tmp_path) == tmp_path / ".cache/scoring"
