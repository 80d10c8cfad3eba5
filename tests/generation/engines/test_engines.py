"""Both engines with the same tiny GGUF base: equal prompts, equal answers, adapters, seeds, contexts, bad files."""

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codetune.generation.engines.choose import open_engine
from codetune.generation.engines.engine import EngineError, EngineModels
from codetune.generation.engines.llama_cpp import LlamaCppEngine
from codetune.generation.engines.torch_engine import TorchEngine
from codetune.generation.sampling import SamplingSettings
from codetune.models.load import load_model
from codetune.models.prompt import prompt_ids
from tests.conftest import make_adapter, one_line
from tests.models.gguf_files import make_gguf, make_model, metadata, tensors, write_gguf
from tests.models.gguf_writing.test_adapter import with_adapter
from tests.support.engines import limits, make_models

QUESTIONS = ("Reverse a list.", "def add(a, b):", "Zähle die Wörter in `text` 🙂")
NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"
GREEDY = SamplingSettings(max_new_tokens=24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module")
def models(folder):
    return make_models(folder)


@pytest.fixture(scope="module")
def torch_engine(models, folder):
    return TorchEngine(models, limits(folder))


@pytest.fixture(scope="module")
def llama(models, folder):
    engine = LlamaCppEngine(models, limits(folder))
    yield engine
    engine.close()


def answer(engine, model, question, settings=GREEDY):
    prompt = engine.prompt(model, [{"role": "user", "content": question}])
    events = list(engine.stream(model, prompt, settings))
    ids = engine.answer_ids(model, prompt, settings)
    assert [event.finished for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1].tokens == len(ids)
    return ids, "".join(event.text_delta for event in events)


def test_the_prompt_is_that_of_the_pipeline(models, torch_engine, llama):
    for name, adapter in models.adapters.items():
        tokenizer = load_model(models.base, adapter, system="none").tokenizer
        for question in QUESTIONS:
            expected = prompt_ids(tokenizer, question)
            for engine in (torch_engine, llama):
                assert engine.prompt(name, [{"role": "user", "content": question}]) == expected


def test_both_engines_give_the_same_greedy_answers(models, torch_engine, llama):
    for name in models.adapters:
        for question in QUESTIONS:
            (ids, text), (expected, whole) = answer(llama, name, question), answer(torch_engine, name, question)
            assert ids == expected
            # llama.cpp sends no text after bytes that are no character, if the answer ends there.
            assert whole.startswith(text.rstrip(NO_CHARACTER))
            assert text == whole or NO_CHARACTER in whole[len(text.rstrip(NO_CHARACTER)) :]
    assert len({tuple(answer(llama, name, QUESTIONS[0])[0]) for name in models.adapters}) == 3


def test_an_answer_does_not_depend_on_others(models, llama):
    asked = [(name, question) for name in models.adapters for question in QUESTIONS]
    alone = [answer(llama, *one) for one in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        assert list(pool.map(lambda one: answer(llama, *one), asked)) == alone


def test_prompt_lookup_changes_no_greedy_answer(models, folder, llama):
    long = replace(GREEDY, max_new_tokens=200)
    guessing = LlamaCppEngine(models, replace(limits(folder), prompt_lookup=True))
    try:
        for name in models.adapters:
            for question in QUESTIONS:
                assert answer(guessing, name, question, long) == answer(llama, name, question, long)
    finally:
        guessing.close()


def test_prompt_lookup_guesses_what_is_repeated(tmp_path):
    model = make_model(initializer_range=0.005, tie_word_embeddings=False)  # the last token decides the next one
    with torch.no_grad():
        model.lm_head.weight.copy_(model.model.embed_tokens.weight.roll(1, 0))  # it is the one with the next number
    base = write_gguf(tmp_path / "base.gguf", metadata("llama", model), tensors("llama", model))
    models, accepted = EngineModels(str(base), None, {"base": None}, {"base": "none"}), []
    for prompt_lookup in (False, True):
        engine = LlamaCppEngine(models, replace(limits(tmp_path), prompt_lookup=prompt_lookup))
        try:
            request = engine._request(
                "base", [*range(100, 160), 100], replace(GREEDY, max_new_tokens=50), repeatable=True
            )
            whole = engine._process.complete(request, stream=False).whole()
        finally:
            engine.close()
        assert whole["tokens"] == list(range(101, 151))
        accepted.append(whole["timings"].get("draft_n_accepted", 0))
    assert accepted[0] == 0
    assert accepted[1] >= 25


@pytest.mark.parametrize("engine", ["torch_engine", "llama"])
def test_a_seed_decides_the_answer(request, engine):
    chosen = request.getfixturevalue(engine)
    drawn = [answer(chosen, "tuned", QUESTIONS[0], replace(GREEDY, temperature=1.0, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_context_limits_prompt_and_answer(models, folder):
    for kind in (TorchEngine, LlamaCppEngine):
        engine = kind(models, limits(folder, context=64))
        try:
            assert len(answer(engine, "base", "a", replace(GREEDY, max_new_tokens=500))[0]) < 64
            with one_line("context of the model is 64 tokens"):
                answer(engine, "base", "a" * 300)
        finally:
            engine.close()


def test_a_context_longer_than_the_models_is_refused(models, folder):
    for kind in (TorchEngine, LlamaCppEngine):
        with one_line("serve.context: found 513, expected at most 512"):
            kind(models, limits(folder, context=513))


def test_a_model_with_a_shorter_context_keeps_its_own_where_that_is_allowed(folder):
    allowed = replace(limits(folder, context=513), shorten=True)
    assert [allowed.context_for(context, "m") for context in (512, 513, 600)] == [512, 513, 513]


def test_a_closed_answer_ends(llama):
    prompt = llama.prompt("base", [{"role": "user", "content": "a"}])
    stream = llama.stream("base", prompt, SamplingSettings(max_new_tokens=400, temperature=2.0))
    next(stream)
    stream.close()
    assert len(list(stream)) < 300


def test_an_adapter_for_another_base_is_refused(models, folder, tmp_path):
    other = make_gguf(tmp_path / "other.gguf", shape={"intermediate_size": 128})
    wrong = replace(models, base=str(other))
    for kind in (TorchEngine, LlamaCppEngine):
        with one_line("another base|does not fit the base"):
            kind(wrong, limits(tmp_path))


@pytest.mark.parametrize(
    ("damage", "said"),
    [(lambda data: data[: len(data) // 2], "cut short"), (lambda data: b"PK" + data[2:], "not a GGUF file")],
)
def test_a_damaged_file_is_refused(models, tmp_path, damage, said):
    path = tmp_path / "base.gguf"
    path.write_bytes(damage(Path(models.base).read_bytes()))
    with one_line(said):
        LlamaCppEngine(EngineModels(str(path), None, {"base": None}, {}), limits(tmp_path))


def test_what_llama_cpp_cannot_load_is_one_line(models, tmp_path):
    path = make_gguf(tmp_path / "base.gguf", **{"tokenizer.ggml.model": "unheard-of"})
    from codetune.generation.engines.llama_cpp_client import LlamaCppProcess

    with one_line("llama.cpp cannot load", path):
        LlamaCppProcess(path, [], slots=1, context=64, threads=1)


def test_auto_answers_with_torch_where_there_is_no_gguf(tiny_base, tmp_path):
    engine, note = open_engine("auto", EngineModels(str(tiny_base), None, {"base": None}, {}), limits(tmp_path))
    assert engine.name == "torch"
    assert "torch answers" in note
    assert "safetensors only" in note
    with one_line("needs a GGUF file"):
        open_engine("llama.cpp", EngineModels(str(tiny_base), None, {"base": None}, {}), limits(tmp_path))


def test_auto_answers_with_llama_cpp_where_it_can(models, tmp_path):
    engine, note = open_engine("auto", EngineModels(models.base, None, {"base": None}, {}), limits(tmp_path))
    engine.close()
    assert (engine.name, note) == ("llama.cpp", "")


def test_without_the_package_torch_answers(monkeypatch, models, tmp_path):
    monkeypatch.setattr("codetune.generation.engines.choose.find_spec", lambda _: None)
    given = EngineModels(models.base, None, {"base": None}, {})
    engine, note = open_engine("auto", given, limits(tmp_path))
    assert engine.name == "torch"
    assert "pip install xllamacpp" in note
    with one_line("not installed"):
        open_engine("llama.cpp", given, limits(tmp_path))


def test_the_process_of_llama_cpp_ends_with_its_parent(models, tmp_path):
    code = (
        "import sys, os, signal\n"
        "from codetune.generation.engines.llama_cpp_client import LlamaCppProcess\n"
        "from pathlib import Path\n"
        "process = LlamaCppProcess(Path(sys.argv[1]), [], slots=1, context=64, threads=1)\n"
        "print(process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, models.base], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the process is still there")


def test_a_process_that_dies_is_reported(models, folder):
    engine = LlamaCppEngine(replace(models, adapters={"base": None}), limits(folder))
    try:
        prompt = engine.prompt("base", [{"role": "user", "content": "a"}])
        stream = engine.stream("base", prompt, SamplingSettings(max_new_tokens=400))
        next(stream)
        engine._process._process.kill()
        with pytest.raises(EngineError, match="middle of an answer"):
            list(stream)
        with pytest.raises(EngineError):
            list(engine.stream("base", prompt, GREEDY))
    finally:
        engine.close()


@pytest.mark.parametrize("change", [{"use_dora": True}, {"modules_to_save": ["norm"]}, {"bias": "all"}])
def test_an_adapter_that_llama_cpp_cannot_use_is_refused(models, tmp_path, change):
    folder = tmp_path / "adapter"
    shutil.copytree(models.adapters["tuned"], folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    with one_line("llama.cpp cannot use", folder):
        LlamaCppEngine(replace(models, adapters={"tuned": folder}), limits(tmp_path))


@pytest.mark.parametrize(
    "options", [{"use_rslora": True}, {"rank_pattern": {"k_proj": 2}, "alpha_pattern": {"down_proj": 30}}]
)
def test_adapters_of_other_scales_give_the_answers_of_torch(models, tmp_path, options):
    adapter = tmp_path / "adapter"
    with_adapter(load_model(models.base).model, **options).save_pretrained(adapter)
    given = replace(models, adapters={"base": None, "tuned": adapter})
    engines = [kind(given, limits(tmp_path)) for kind in (TorchEngine, LlamaCppEngine)]
    expected, found = ([answer(engine, name, QUESTIONS[0]) for name in given.adapters] for engine in engines)
    engines[1].close()
    assert found == expected
    assert found[0] != found[1]


def test_equal_weights_are_in_memory_once(torch_engine):
    base, tuned = (torch_engine._loaded[name].model for name in ("base", "tuned"))
    assert base.get_input_embeddings().weight.data_ptr() == tuned.get_input_embeddings().weight.data_ptr()
    first, second = (dict(it.named_parameters())["model.layers.0.mlp.up_proj.weight"] for it in (base, tuned))
    assert first.data_ptr() != second.data_ptr()
    assert not (first == second).all()


def test_an_adapter_of_another_form_gets_other_names(tmp_path, models):
    """A second adapter with equal files is one file in the cache; another one is a second file."""
    base = Path(models.base)
    again = make_adapter(base, tmp_path / "again", 4)
    engine = LlamaCppEngine(
        replace(models, adapters={"a": models.adapters["tuned"], "b": again}, systems={}), limits(tmp_path)
    )
    engine.close()
    assert len(list((tmp_path / "cache").iterdir())) == 1
