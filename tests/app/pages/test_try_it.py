from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from codetune.app import models as project_models
from codetune.app.feedback import FEEDBACK, PARAMS_SNIPPET, read_feedback
from codetune.app.ui.answer_parts import prose_markdown
from codetune.core.files import write_json, write_text
from tests.support.engines import make_models
from tests.support.model_revisions import ADAPTER
from tests.support.parity_report import parity_report
from tests.support.sample_project import START, Project, add_models, build_empty

Open = Callable[..., AppTest]
INSTRUCTION = "Write a Python function `double` with parameter `x`. Returns twice `x`."


@pytest.fixture
def open_try(open_page: Open, threads: Callable[[int], None]) -> Open:  # the page sets the threads for small models
    return partial(open_page, page="try_it")


@pytest.fixture
def gguf_project(tmp_path: Path) -> Project:
    """A project whose base is a GGUF file, with an adapter for it."""
    project = build_empty(tmp_path / "p")
    (tmp_path / "made").mkdir()
    made = make_models(tmp_path / "made")
    shutil.copy(made.base, project.root / "models.gguf")
    shutil.copytree(str(made.adapters["tuned"]), project.root / ADAPTER)
    write_text(project.root / "params.yaml", START.replace("base: models/base", "base: models.gguf"))
    return project


def button(page: AppTest, label: str) -> object:
    return next(item for item in page.button if item.label == label)


def ask(page: AppTest, tokens: int = 12, text: str | None = None) -> AppTest:
    """Ask, and run on until all answers are complete."""
    next(item for item in page.number_input if item.label == "Max. new tokens").set_value(tokens)
    if text is not None:
        page.text_area(key="instruction").set_value(text)
    page.run()
    button(page, "Generate").click().run()
    until = time.monotonic() + 60
    while page.session_state["question"].asked.running and time.monotonic() < until:
        page.run()
    assert not page.exception
    assert not page.error
    return page


def told(page: AppTest) -> str:
    """The notices of the page, as they are read."""
    return "\n".join(part.value for part in [*page.info, *page.error, *page.caption]).replace("\\", "")


def answers(page: AppTest) -> dict[str, str]:
    return dict(page.session_state["question"].asked.texts)


def test_without_a_model_the_page_says_what_to_run(open_try: Open, tmp_path: Path) -> None:
    project = build_empty(tmp_path / "p")
    page = open_try(project.root)
    assert "There is no base model models/base. Set model.base to one that exists." in told(page)
    write_text(project.root / "params.yaml", START.replace("base: models/base", "base: smollm2"))
    page = open_try(project.root)
    assert "There is no base model yet: smollm2 is not in models/base. Run `make repro`" in told(page)
    assert button(page, "Generate").disabled


def test_without_an_adapter_the_base_answers_alone(open_try: Open, tmp_path: Path, tiny_base: Path) -> None:
    project = build_empty(tmp_path / "p")
    add_models(project.root, tiny_base, adapter=False)
    page = open_try(project.root)
    assert "There is no adapter in the workspace yet" in told(page)
    assert "`dvc pull models/adapter`" in told(page)
    assert "word_counts" in page.text_area[0].value
    assert list(answers(ask(page, 5))) == ["left"]


def test_both_models_answer_with_their_facts(open_try: Open, models: Project) -> None:
    page = ask(open_try(models.root))
    shown = [part.value for part in page.markdown if not part.value.startswith("**")]
    assert shown == [prose_markdown(text) for text in answers(page).values()]  # no code: these are random models
    assert shown[0] != shown[1]
    facts = [part.value for part in page.caption if "tokens/s" in part.value]
    assert len(facts) == 2
    assert all("first token" in fact and "parse" in fact for fact in facts)
    assert all("Against the reference: chrF " in fact for fact in facts)


def test_the_adapters_of_two_revisions_answer_side_by_side(open_try: Open, models: Project) -> None:
    link = {"left": "low", "left_model": "tuned", "right": "high", "right_model": "tuned"}
    page = ask(open_try(models.root, link))
    titles = [part.value.replace("\\", "") for part in page.markdown if part.value.startswith("**Tuned")]
    assert titles == [f"**Tuned model of {name} ({models.commits[name][:7]})**" for name in ("low", "high")]
    found = answers(page)
    assert found["left"] != found["right"]
    workspace = answers(ask(open_try(models.root)))
    assert found["right"] == workspace["right"], "the workspace has the adapter of high"
    assert page.query_params["left"] == models.commits["low"], "the link is pinned by commit"


def test_other_models_drop_the_answers_of_those_before(open_try: Open, models: Project) -> None:
    page = ask(open_try(models.root))
    page.radio(key="left_role").set_value("tuned").run()
    assert "question" not in page.session_state
    assert [part.value for part in page.caption].count("The answer appears here.") == 2


def test_what_is_not_in_the_cache_is_told_and_the_other_answers(open_try: Open, copied_models: Project) -> None:
    shutil.rmtree(copied_models.root / ".dvc/cache")
    shutil.rmtree(copied_models.root / ".cache", ignore_errors=True)
    page = open_try(copied_models.root, {"right": "low"})
    assert "`dvc fetch --all-tags models/adapter`" in told(page)
    assert list(answers(ask(page))) == ["left"]


def test_the_workspace_is_looked_at_each_time(open_try: Open, copied_models: Project) -> None:
    shutil.move(copied_models.root / ADAPTER, copied_models.root / "away")
    page = open_try(copied_models.root)
    assert page.info
    shutil.move(copied_models.root / "away", copied_models.root / ADAPTER)
    assert not page.run().info


def test_the_first_example_of_the_test_set_is_there_with_its_reference(open_try: Open, models: Project) -> None:
    page = open_try(models.root)
    assert page.selectbox(key="example").value == "networkx · descendants_0"
    assert "`descendants`" in page.text_area[0].value
    assert "bfs_edges" in page.code[0].value
    page.selectbox(key="example").select("attrs · to_bool_1").run()
    assert "`to_bool`" in page.text_area[0].value
    assert "Cannot convert" in page.code[0].value


def test_an_edited_example_is_ones_own(open_try: Open, models: Project) -> None:
    page = open_try(models.root)
    page.text_area[0].set_value("Write something else.").run()
    assert page.selectbox(key="example").value == "Write your own"
    assert not page.code
    page = ask(page)
    assert not [part.value for part in page.caption if "Against the reference" in part.value]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("   ", "the instruction is empty"), ("word " * 790, "the context of the model is 512 tokens")],
)
def test_an_instruction_that_cannot_be_answered_is_a_sentence(
    open_try: Open, models: Project, text: str, problem: str
) -> None:
    page = open_try(models.root)
    page.text_area[0].set_value(text).run()
    button(page, "Generate").click().run()
    assert problem in told(page)
    assert not page.exception


def test_a_damaged_model_is_a_sentence(open_try: Open, tmp_path: Path, tiny_base: Path) -> None:
    project = build_empty(tmp_path / "p")
    add_models(project.root, tiny_base, adapter=False)
    (project.root / "models" / "base" / "model.safetensors").write_bytes(b"damaged")
    page = open_try(project.root)
    button(page, "Generate").click().run()
    assert "cannot be loaded" in told(page)
    assert not page.exception


def engine_line(page: AppTest) -> str:
    """The line that says which engine answers."""
    lines = [part.value.replace("\\", "") for part in page.caption]
    return next(line for line in lines if line.startswith(("torch answers", "llama.cpp answers")))


class TestEngines:
    def test_llama_cpp_answers_where_it_can(self, open_try: Open, gguf_project: Project) -> None:
        page = ask(open_try(gguf_project.root))
        assert engine_line(page) == "llama.cpp answers."
        facts = [part.value for part in page.caption if "tokens/s" in part.value]
        assert len(facts) == 2
        for fact in facts:
            assert re.search(r" · first token after \d+\.\d\d s · \d+\.\d tokens/s · ", fact)
        fast = answers(page)
        assert fast["left"] != fast["right"]
        page.radio(key="engine").set_value("torch")
        exact = answers(ask(page))  # of this tiny base in float32, rounding changes nothing
        for place, text in fast.items():  # llama.cpp does not send the last bytes while they are no whole character
            assert exact[place].startswith(text.rstrip("\ufffd"))
            assert len(exact[place]) - len(text) < 4
        assert engine_line(page) == "torch answers."

    def test_base_and_tuned_model_share_one_engine(self, open_try: Open, gguf_project: Project) -> None:
        project_models._engines.clear()
        ask(open_try(gguf_project.root))
        cache = project_models._engines()
        assert len(cache._entries) == 1
        assert cache.in_memory() == 2
        ask(open_try(gguf_project.root, {"left_model": "tuned"}))
        assert len(cache._entries) == 1

    def test_the_line_says_why_torch_answers(
        self, open_try: Open, models: Project, gguf_project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = ask(open_try(models.root))
        assert engine_line(page).startswith("torch answers, because the engine llama.cpp needs a GGUF file")
        monkeypatch.setattr("codetune.generation.engines.choose.find_spec", lambda _: None)
        project_models._engines.clear()
        page = ask(open_try(gguf_project.root))
        assert engine_line(page).startswith("torch answers, because the engine llama.cpp is not installed")
        assert "\n" not in engine_line(page)

    def test_models_of_torch_stay_loaded_where_llama_cpp_cannot_answer(self, open_try: Open, models: Project) -> None:
        project_models._engines.clear()
        ask(open_try(models.root), 2)
        ask(open_try(models.root, {"left": "low", "left_model": "tuned", "right": "high"}), 2)
        cache = project_models._engines()
        before = [entry.engine for entry in cache._entries]
        ask(open_try(models.root), 2)
        assert {id(entry.engine) for entry in cache._entries} == {id(engine) for engine in before}

    def test_an_engine_that_was_chosen_and_cannot_answer_is_a_sentence(self, open_try: Open, models: Project) -> None:
        page = open_try(models.root)
        page.radio(key="engine").set_value("llama.cpp").run()
        button(page, "Generate").click().run()
        assert "the engine llama.cpp needs a GGUF file" in told(page)
        assert not page.exception

    @pytest.mark.parametrize("engine", ["llama.cpp", "torch"])
    def test_both_engines_sample_as_asked(self, open_try: Open, gguf_project: Project, engine: str) -> None:
        page = open_try(gguf_project.root)
        page.radio(key="engine").set_value(engine)
        fields = {item.label: item for item in page.number_input}
        fields["Temperature"].set_value(1.5).run()
        drawn = []
        for seed, top_k in ((1, 0), (1, 0), (2, 0), (2, 1), (3, 1)):
            fields = {item.label: item for item in page.number_input}
            fields["Seed"].set_value(seed)
            fields["Top-k"].set_value(top_k)
            drawn.append(answers(ask(page, 8)))
        assert drawn[0] == drawn[1] != drawn[2]
        assert drawn[3] == drawn[4], "the likeliest token alone: no seed changes it"
        counts = [int(part.value.split(" tokens")[0]) for part in page.caption if "tokens/s" in part.value]
        assert max(counts) <= 8

    def test_an_engine_that_ended_is_a_sentence_and_starts_anew(self, open_try: Open, gguf_project: Project) -> None:
        page = ask(open_try(gguf_project.root))
        before = answers(page)
        (entry,) = [entry for entry in project_models._engines()._entries if entry.engine.name == "llama.cpp"][-1:]
        entry.engine._process._process.kill()
        entry.engine._process._process.wait()
        button(page, "Generate").click().run()
        assert "Press Generate again" in told(page)
        assert not button(page, "Generate").disabled
        assert answers(ask(page)) == before


def keep(page: AppTest, text: str) -> None:
    """Correct the answer and keep it."""
    page.text_area(key="correction").set_value(text).run()
    button(page, "Keep").click().run()


class TestKeeping:
    def test_a_corrected_answer_is_kept(self, open_try: Open, copied_models: Project) -> None:
        page = ask(open_try(copied_models.root), text=INSTRUCTION)
        assert page.text_area(key="correction").value == answers(page)["right"]
        keep(page, "def double(x):\n    return 2 * x")
        assert "It parses." in [part.value for part in page.caption]
        assert page.success[0].value == f"Kept: `{FEEDBACK}` has 1 row."
        (row,) = read_feedback(copied_models.root)
        assert (row["instruction"], row["completion"]) == (INSTRUCTION, "def double(x):\n    return 2 * x")
        assert (row["answer"], row["model"], row["revision"]) == (answers(page)["right"], "tuned", "workspace")
        assert page.code[-1].value == PARAMS_SNIPPET
        button(page, "Keep").click().run()
        assert "It was kept before" in page.success[0].value
        assert len(read_feedback(copied_models.root)) == 1

    def test_the_instruction_that_was_asked_is_kept_not_what_is_typed_since(
        self, open_try: Open, copied_models: Project
    ) -> None:
        page = ask(open_try(copied_models.root, {"left": "low"}), text=INSTRUCTION)
        page.text_area(key="instruction").set_value("Something else.").run()
        name = next(item for item in page.selectbox(key="corrected_side").options if item.startswith("Left"))
        page.selectbox(key="corrected_side").select(name).run()
        assert page.text_area(key="correction").value == answers(page)["left"]
        keep(page, "pass")
        (row,) = read_feedback(copied_models.root)
        assert (row["instruction"], row["model"]) == (INSTRUCTION, "base")
        assert row["revision"] == copied_models.commits["low"]

    def test_a_source_that_is_read_already_needs_no_advice(self, open_try: Open, copied_models: Project) -> None:
        params = copied_models.root / "params.yaml"
        write_text(params, f"{params.read_text()}ingest:\n  sources:\n    {PARAMS_SNIPPET}\n")
        page = ask(open_try(copied_models.root), text=INSTRUCTION)
        keep(page, "pass")
        assert "The next `dvc repro` learns from it" in told(page)
        assert not [part for part in page.code if part.value == PARAMS_SNIPPET]

    def test_an_empty_correction_is_a_sentence(self, open_try: Open, copied_models: Project) -> None:
        page = ask(open_try(copied_models.root), text=INSTRUCTION)
        keep(page, "  ")
        assert "the corrected answer is empty" in told(page)
        assert not (copied_models.root / FEEDBACK).exists()

    def test_the_next_answer_is_another_one_to_correct(self, open_try: Open, copied_models: Project) -> None:
        page = ask(open_try(copied_models.root), text=INSTRUCTION)
        page.text_area(key="correction").set_value("pass").run()
        page = ask(page, 6)
        assert page.text_area(key="correction").value == answers(page)["right"] != "pass"

    def test_no_model_may_learn_a_prompt_of_the_test_set(self, open_try: Open, models: Project) -> None:
        page = ask(open_try(models.root))
        assert "This prompt is from the test set" in told(page)
        assert "Keep" not in [item.label for item in page.button]


def test_what_the_exported_files_change_is_shown(open_try: Open, tmp_path: Path) -> None:
    project = build_empty(tmp_path / "p")
    note = "Greedy answers to the same 100 prompts"
    assert note not in told(open_try(project.root))
    path = project.root / "reports/parity/metrics.json"
    write_json(path, parity_report())
    page = open_try(project.root)
    assert note in told(page)
    shown = "".join(part.proto.body for part in page.get("html"))
    assert "88 of 100 (80 to 93 %)" in shown
    assert "+0.013 (-0.013 to +0.040)" in shown
    write_json(path, {"prompts": 100})
    assert note not in told(open_try(project.root))
