"""Which files are run, and that other token ids, another template or other end tokens are errors."""

import shutil

import pytest

from codetune.core.errors import UserError
from codetune.evaluation.parity.forms import ExportedForm, check_file, check_prompt, find_forms
from codetune.models.load import load_model
from codetune.models.prompt import prompt_ids
from tests.conftest import one_line
from tests.models.gguf_files import CHATML, make_gguf

QUESTION = "Write `f`,\n  with 12 345 spaces… and 🙂"


@pytest.fixture(scope="module")
def loaded(exported):
    return load_model(exported.base, exported.adapter, system="none")


def test_the_adapter_goes_with_its_base(exported, tmp_path):
    forms, unusable = find_forms(exported.folder)
    assert [form.name for form in forms] == ["adapter-f32", "tuned-f32"]
    assert (forms[0].model.name, forms[1].adapter, unusable) == ("base.gguf", None, {})
    shutil.copytree(exported.folder, tmp_path / "other")
    make_gguf(tmp_path / "other/base.gguf", shape={"intermediate_size": 128})
    forms, unusable = find_forms(tmp_path / "other")
    assert [form.name for form in forms] == ["tuned-f32"]
    assert unusable == {"adapter-f32": "there is no GGUF file of its base model"}
    with one_line("has no model that llama.cpp can run"):
        find_forms(tmp_path)


@pytest.mark.parametrize("place", [0, 1])
def test_llama_cpp_makes_the_prompt_of_the_pipeline(exported, loaded, place):
    form = find_forms(exported.folder)[0][place]
    check_file(form, loaded.tokenizer, loaded.end_ids)
    expected = prompt_ids(loaded.tokenizer, QUESTION)
    process = form.start(512, 1)
    try:
        check_prompt(form, process, QUESTION, expected)
        with one_line(r"other token ids of \S+.gguf, first at token 3 of the prompt for 'Write `f`", form.file.name):
            check_prompt(form, process, QUESTION, [*expected[:3], 399, *expected[4:]])
        with one_line(f"first at token {len(expected) - 1} of"):
            check_prompt(form, process, QUESTION, expected[:-1])
    finally:
        process.close()


def test_a_template_of_the_file_that_makes_another_prompt_is_found(exported, loaded, tmp_path):
    """The base file has a system text, which the tuned model does not."""
    path = make_gguf(tmp_path / "tuned-f32.gguf")
    form = ExportedForm("tuned-f32", path)
    assert form.template() == CHATML
    with one_line("the chat template of tuned-f32.gguf differs"):
        check_file(form, loaded.tokenizer, loaded.end_ids)
    process = form.start(512, 1)
    try:
        with pytest.raises(UserError, match="other token ids"):
            check_prompt(form, process, QUESTION, prompt_ids(loaded.tokenizer, QUESTION))
    finally:
        process.close()


def test_other_end_tokens_are_named(exported, loaded):
    form = find_forms(exported.folder)[0][1]
    with one_line(r"other end tokens in tuned-f32.gguf: 2 \(more\), 7 \(missing\)"):
        check_file(form, loaded.tokenizer, (loaded.end_ids - {2}) | {7})
