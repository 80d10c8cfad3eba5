from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from codetune.core.files import write_jsonl, write_text
from tests.app.words import words
from tests.ledger.conftest import ROWS, write_data, write_ledger
from tests.ledger.test_overview import DATA, LEAKS
from tests.support.sample_project import build_empty, commit, git
from tests.support.tables import instruction_row, paraphrase

Open = Callable[..., AppTest]
BAD = "<script>document.title = 'broken'</script> *not* $x$"


@pytest.fixture
def open_data(open_page: Open) -> Open:
    return lambda root, **query: open_page(root, query, "data")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with data, and with one commit whose reports count other rows."""
    git(tmp_path, "init", "-q", "-b", "main")
    write_text(tmp_path / ".gitignore", "/data\n")
    write_text(tmp_path / "reports/data.json", json.dumps({**DATA, "raw": 1234}))
    commit(tmp_path, "run", 0)
    write_text(tmp_path / "reports/data.json", json.dumps(DATA))
    write_text(tmp_path / "reports/leaks.json", json.dumps(LEAKS))
    write_text(tmp_path / "reports/augmentation.json", json.dumps({"rows_in": 9, "rejected": {"too_similar": 1}}))
    write_data(tmp_path)
    return tmp_path


def table(page: AppTest, name: str) -> AppTest:
    return page.segmented_control(key="data_table").set_value(name).run()


class TestNothingThere:
    def test_an_empty_clone_says_what_to_run(self, open_data: Open, tmp_path: Path) -> None:
        text = words(open_data(build_empty(tmp_path / "p").root))
        assert "There is no reports/data.json yet. Run `make repro`" in text
        for path in ("data/clean/ledger.parquet", "data/clean/train.jsonl"):
            assert f"{path} is not in this clone. Run `dvc pull {path}` if a remote has it, or `make repro`." in text

    def test_a_folder_without_git_shows_its_data(self, open_data: Open, tmp_path: Path) -> None:
        write_text(tmp_path / "reports/data.json", json.dumps(DATA))
        assert "it is test, example or benchmark code" in words(open_data(tmp_path))

    def test_each_table_says_what_brings_it(self, open_data: Open, root: Path) -> None:
        (root / "data/augmented/train.jsonl").unlink()
        page = table(open_data(root), "paraphrases of train")
        assert "Run `dvc pull data/augmented/train.jsonl`" in words(page)

    def test_a_commit_without_reports_is_told(self, open_data: Open, root: Path) -> None:
        git(root, "rm", "-q", "--cached", "-r", "reports")
        git(root, "commit", "-q", "-m", "drop")
        gone = git(root, "rev-parse", "HEAD")
        assert f"main ({gone[:7]}) has no reports/data.json" in words(open_data(root, revision=gone))

    def test_damaged_reports_are_named(self, open_data: Open, root: Path) -> None:
        (root / "reports/leaks.json").write_text("{")
        text = words(open_data(root))
        assert "reports/leaks.json of workspace cannot be read" in text
        assert "There is no report on leaks" in text


class TestOverview:
    def test_the_funnel_and_all_other_counts_are_there(self, open_data: Open, root: Path) -> None:
        text = words(open_data(root))
        for part in ("test_code", "25.0 %", "BSD-3-Clause", "tokens of code", "207",
                     "the same in meaning", "attempts rejected: too similar", "0.950"):  # fmt: skip
            assert part in text

    def test_another_revision_has_its_own_figures_and_is_in_the_address(self, open_data: Open, root: Path) -> None:
        page = open_data(root)
        assert page.query_params["revision"] == "workspace"
        assert "1,234" not in words(page)
        box = page.selectbox(key="data_revision")
        page = box.select(next(option for option in box.options if option.startswith("branch"))).run()
        assert "1,234" in words(page)
        assert page.query_params["revision"] == git(root, "rev-parse", "HEAD")
        assert "1,234" in words(open_data(root, revision="main"))


class TestLedger:
    def test_a_row_is_told_as_on_the_command_line(self, open_data: Open, root: Path) -> None:
        page = open_data(root)
        text = words(page.text_input(key="data_query").set_value("Tree.dump").run())
        assert "dropped because its code is too long (code_too_long): 91 lines, maximum 60." in text
        assert page.query_params["row"] == "Tree.dump"

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ("lark/core.py:15", "because of <code>License-Expression: MIT</code>"),
            ("eeee0000", "eeee000000000007 is a paraphrase of aaaa000000000001"),
            ("lark/deep/core.py", "0.84"),
        ],
    )
    def test_a_link_opens_a_row(self, open_data: Open, root: Path, row: str, told: str) -> None:
        assert told in words(open_data(root, row=row))

    def test_several_rows_are_a_choice(self, open_data: Open, root: Path) -> None:
        page = open_data(root, row="load")
        box = next(box for box in page.selectbox if "rows have this name" in box.label)
        assert box.label == "2 rows have this name"
        assert "Forest.load dropped, near_duplicate" in " ".join(box.options[1].split())

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("Tree.lod", "Nearest: Tree.load"),
            ("lark/core.py:25", "no documented function of lark/core.py contains line 25"),
            (BAD, "no row of data/clean/ledger.parquet matches"),
            ("x" * 9999, "no row of data/clean/ledger.parquet matches"),
        ],
    )
    def test_a_mistake_is_one_line(self, open_data: Open, root: Path, query: str, told: str) -> None:
        page = open_data(root, row=query)
        assert told in words(page)
        assert not any("<script>" in part.value for part in [*page.info, *page.markdown])

    def test_a_damaged_ledger_is_one_line(self, open_data: Open, root: Path) -> None:
        (root / "data/clean/ledger.parquet").write_text("PAR1")
        page = open_data(root, row="load")
        assert "data/clean/ledger.parquet is damaged" in words(page)

    def test_a_new_ledger_is_read_again(self, open_data: Open, root: Path) -> None:
        page = open_data(root, row="Tree.load")
        write_ledger(root / "data/clean/ledger.parquet", ROWS[1:])
        assert "no row of data/clean/ledger.parquet matches" in words(page.run())


class TestRows:
    @pytest.fixture
    def many(self, root: Path) -> Path:
        rows = [
            instruction_row(f"{number:016x}", qualname=f"load_{number}", group="lark" if number % 3 else "wren")
            for number in range(45)
        ]
        rows[0] |= {"instruction": BAD, "completion": f"# {BAD}", "qualname": BAD}
        write_jsonl(root / "data/clean/train.jsonl", rows)
        return root

    def test_a_page_has_twenty_rows(self, open_data: Open, many: Path) -> None:
        page = open_data(many)
        assert "Rows 1 to 20 of 45" in words(page)
        assert len(page.code) == 20
        page.number_input(key="data_page").set_value(3).run()
        assert "Rows 41 to 45 of 45" in words(page)
        assert len(page.code) == 5

    def test_rows_are_chosen_by_package_and_text(self, open_data: Open, many: Path) -> None:
        page = open_data(many)
        page.number_input(key="data_page").set_value(3).run()
        page.selectbox(key="data_group").set_value("wren").run()
        assert "Rows 1 to 15 of 15" in words(page)
        page.text_input(key="data_text").set_value("LOAD_42").run()
        assert "Rows 1 to 1 of 1" in words(page)
        page.text_input(key="data_text").set_value("nobody").run()
        assert "No row fits" in words(page)

    def test_markup_in_a_row_is_text(self, open_data: Open, many: Path) -> None:
        page = open_data(many)
        words(page)
        assert page.code[0].value == f"# {BAD}"
        shown = [part.value for part in page.markdown if "script" in part.value]
        assert shown == ["\\<script\\>document\\.title = 'broken'\\</script\\> \\*not\\* \\$x\\$"]
        assert "\\<script\\>" in page.expander[1].label

    def test_paraphrases_stand_beside_their_originals(self, open_data: Open, root: Path) -> None:
        made = paraphrase(instruction=f"Create `load`. {BAD}")
        write_jsonl(root / "data/augmented/train.jsonl", [instruction_row(), made])
        text = words(table(open_data(root), "paraphrases of train"))
        assert "Rows 1 to 1 of 1" in text
        assert '<b style="text-decoration:underline">Write a Python method</b>' in text
        assert '<b style="text-decoration:underline">Create</b>' in text
        assert "&lt;script&gt;" in text
        assert "<script>" not in text

    def test_test_prompts_stand_beside_their_other_words(self, open_data: Open, root: Path) -> None:
        write_jsonl(root / "data/augmented/test.jsonl", [paraphrase(parent="dddd000000000005")])
        text = words(table(open_data(root), "test in other words"))
        assert "Write" in text
        assert "Create" in text

    def test_an_original_that_is_gone_leaves_a_dash(self, open_data: Open, root: Path) -> None:
        write_jsonl(root / "data/augmented/train.jsonl", [paraphrase()])
        assert 'class="words nothing"' in words(table(open_data(root), "paraphrases of train"))

    def test_a_broken_row_is_one_line(self, open_data: Open, root: Path) -> None:
        write_jsonl(root / "data/clean/train.jsonl", [instruction_row() | {"lines": [3]}])
        page = open_data(root)
        assert "lines is [3]" in words(page)
        assert len(page.error) == 1
