from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from tests.sample_project import Project, add_models, build_empty

Open = Callable[[Path], AppTest]


def _script() -> None:
    from codetune.app import try_it

    try_it.page()


@pytest.fixture
def open_try(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    def run(root: Path) -> AppTest:
        monkeypatch.setenv("CODETUNE_PROJECT", str(root))
        st.cache_data.clear()
        return AppTest.from_function(_script, default_timeout=60).run()

    threads = torch.get_num_threads()
    yield run
    torch.set_num_threads(threads)  # the page takes fewer for small models


def finish(page: AppTest) -> AppTest:
    """Run on until both answers are complete."""
    until = time.monotonic() + 60
    while page.session_state["asked"].running and time.monotonic() < until:
        page.run()
    assert not page.exception
    assert not page.error
    return page


@pytest.fixture(scope="module")
def with_models(sample: Project, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("try") / "project"
    shutil.copytree(sample.root, root)
    add_models(root, tiny_base)
    return root


def test_without_a_model_the_page_says_what_to_run(open_try: Open, tmp_path: Path) -> None:
    page = open_try(build_empty(tmp_path / "p").root)
    assert "There is no base model yet. Run `make repro`" in page.info[0].value
    assert not page.button


def test_without_an_adapter_the_base_answers_alone(open_try: Open, tmp_path: Path, tiny_base: Path) -> None:
    project = build_empty(tmp_path / "p")
    add_models(project.root, tiny_base, adapter=False)
    page = open_try(project.root)
    assert "There is no adapter yet" in page.info[0].value
    assert "word_counts" in page.text_area[0].value
    page.number_input[3].set_value(5).run()
    page.button[0].click()
    finish(page.run())
    assert len(page.code) == 1


def test_both_models_answer_with_their_facts(open_try: Open, with_models: Path) -> None:
    page = open_try(with_models)
    page.number_input[3].set_value(12).run()
    page.button[0].click()
    finish(page.run())
    base, tuned = page.code[0].value, page.code[1].value
    assert base != tuned
    facts = [part.value for part in page.caption if "tokens/s" in part.value]
    assert len(facts) == 2
    assert all("first token" in fact and ("parse" in fact) for fact in facts)


def test_the_first_example_of_the_test_set_is_there_with_its_reference(open_try: Open, with_models: Path) -> None:
    page = open_try(with_models)
    assert page.selectbox[0].value == "networkx · descendants_0"
    assert "`descendants`" in page.text_area[0].value
    assert "bfs_edges" in page.code[-1].value
    page.selectbox[0].select("attrs · to_bool_1").run()
    assert "`to_bool`" in page.text_area[0].value
    assert "Cannot convert" in page.code[-1].value


def test_an_edited_example_has_no_reference(open_try: Open, with_models: Path) -> None:
    page = open_try(with_models)
    page.text_area[0].set_value("Write something else.").run()
    assert not page.code
    page.selectbox[0].select("Write your own").run()
    assert page.text_area[0].value == ""


@pytest.mark.parametrize(("text", "told"), [("   ", "the instruction is empty"), ("word " * 790, "reads 512 at most")])
def test_an_instruction_that_cannot_be_answered_is_a_sentence(
    open_try: Open, with_models: Path, text: str, told: str
) -> None:
    page = open_try(with_models)
    page.text_area[0].set_value(text).run()
    page.button[0].click().run()
    assert told in page.error[0].value
    assert not page.exception


def test_a_damaged_model_is_a_sentence(open_try: Open, tmp_path: Path, tiny_base: Path) -> None:
    project = build_empty(tmp_path / "p")
    add_models(project.root, tiny_base, adapter=False)
    (project.root / "models" / "base" / "model.safetensors").write_bytes(b"damaged")
    page = open_try(project.root)
    page.button[0].click().run()
    assert "cannot be loaded" in page.error[0].value
    assert not page.exception
