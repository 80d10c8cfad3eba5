"""What is written is read back equal: weights, configuration, tokenizer, end tokens; a difference is one line."""

from dataclasses import replace

import pytest
import torch

from codetune.core.errors import UserError
from codetune.export.gguf.check import check_model
from codetune.export.gguf.configuration import architecture_of
from codetune.export.gguf.model import write_model
from codetune.export.merge import CheckedAnswers, plain_logits
from codetune.generation.batch import answer_all
from codetune.models.gguf.config import ARCHITECTURES
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf.weights import load_gguf_model
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.load import load_model
from tests.models.gguf.test_weights import LLAMA3, YARN
from tests.models.gguf_files import SHAPES, make_gguf

TEXTS = ["def f(x):\n    return x\n", "Write a function."]
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
FORMS = {
    **{name: (name, {}) for name in ARCHITECTURES},
    "untied": ("llama", {"tie_word_embeddings": False}),
    "biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama3": ("llama", {"rope_parameters": LLAMA3}),
    "linear": ("llama", {"rope_parameters": LINEAR}),
    "yarn": ("qwen2", {"rope_parameters": YARN}),
    "partial": ("phi3", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.75}}),
    "padded": ("llama", {"vocab_size": 416}),
}  # fmt: skip


def greedy_answers(loaded, prompts):
    found = dict(answer_all(loaded, prompts, max_new_tokens=32, batch_size=len(prompts)))
    sequences = [prompt + found[index].ids for index, prompt in enumerate(prompts)]
    begins = [len(prompt) - 1 for prompt in prompts]
    pairs = zip(sequences, begins, strict=True)
    return CheckedAnswers(sequences, begins, [plain_logits(loaded.model, ids)[begin:] for ids, begin in pairs])


def written(path, loaded, kind, prompts, base=None):
    tensors = write_model(path, loaded, kind, {"general.name": "tiny"}, base)
    return check_model(path, loaded, tensors, TEXTS, greedy_answers(loaded, prompts))


@pytest.mark.parametrize("form", FORMS)
def test_the_model_is_the_same_after_reading_it(make_loaded, prompts, tmp_path, form):
    architecture, changes = FORMS[form]
    loaded = make_loaded(architecture, **changes)
    check = written(tmp_path / "file", loaded, "F32", prompts)
    assert check.tokens == check.equal_tokens > 3
    assert check.max_difference < 1e-3
    again = load_gguf_model(read_gguf(tmp_path / "file"))
    for name, weight in loaded.model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], weight, rtol=0, atol=5e-7)  # gemma's norms: w + 1 - 1


def test_every_architecture_that_is_read_is_written():
    assert set(SHAPES) == set(ARCHITECTURES) <= set(FORMS)


@pytest.mark.parametrize(
    ("kind", "error"), [("F16", 3e-4), ("BF16", 3e-3), ("Q8_0", 8e-3), ("Q5_1", 0.04), ("Q4_0", 0.12)]
)
def test_quantising_costs_what_it_must(make_loaded, prompts, tmp_path, kind, error):
    check = written(tmp_path / "file", make_loaded(), kind, prompts)
    assert error / 10 < check.weight_error < error


def test_a_base_that_came_as_gguf_keeps_its_tokenizer(prompts, tmp_path):
    base = make_gguf(tmp_path / "base")
    loaded = load_model(base)
    loaded.tokenizer.chat_template = loaded.tokenizer.chat_template.replace("SmolLM", "Another")
    written(tmp_path / "file", loaded, "Q8_0", prompts, read_gguf(base))
    before, after = (
        {key: value for key, value in read_gguf(tmp_path / name).metadata.items() if key.startswith("tokenizer.")}
        for name in ("base", "file")
    )
    assert after.pop("tokenizer.chat_template") == loaded.tokenizer.chat_template
    assert after == {key: value for key, value in before.items() if key != "tokenizer.chat_template"}


def test_a_mistral_is_a_llama_of_llama_cpp(make_loaded):
    config = make_loaded().model.config
    config.model_type = "mistral"
    assert architecture_of(config) == "llama"
    config.model_type = "mamba"
    with pytest.raises(
        NotConvertibleError, match="the family mamba cannot be converted to GGUF, expected one of gemma2"
    ):
        architecture_of(config)


DIFFERENT = {
    "another activation": ("llama", {"hidden_act": "gelu"}, "hidden_act: gelu, found silu"),
    "a window": ("starcoder2", {"sliding_window": 64}, "sliding_window: 64, found None"),
    "another scaling": ("llama", {"rope_parameters": LLAMA3 | {"low_freq_factor": 2.0}}, "position scaling that differs"),
    "no word for it": (
        "llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}, "the position scaling dynamic",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_model_that_the_file_cannot_express_is_refused(make_loaded, prompts, tmp_path, case):
    architecture, changes, message = DIFFERENT[case]
    with pytest.raises(NotConvertibleError, match=message):
        written(tmp_path / "file", make_loaded(architecture, **changes), "F32", prompts)


def test_what_differs_from_the_file_is_named(make_loaded, prompts, tmp_path):
    loaded = make_loaded()
    tensors = write_model(tmp_path / "file", loaded, "F16", {}, None)
    answers = greedy_answers(loaded, prompts)

    def check(of=loaded, found=answers):
        return check_model(tmp_path / "file", of, tensors, TEXTS, found)

    check()
    with torch.no_grad():
        weight = loaded.model.get_parameter("model.layers.1.mlp.up_proj.weight")
        weight[3, 4] += 0.1
        with pytest.raises(UserError, match=r"blk.1.ffn_up.weight in file differs by more than F16 explains"):
            check()
        weight[3, 4] -= 0.1
    others = [logits.roll(1, -1) for logits in answers.logits]
    with pytest.raises(UserError, match="gives other greedy answers"):
        check(found=replace(answers, logits=others))
    loaded.model.generation_config.eos_token_id = [1, 7]
    with pytest.raises(UserError, match=r"ends no answer at the token ids \[7\]"):
        check(replace(loaded))
    loaded.tokenizer.chat_template = "{{ messages[0]['content'] }}x"
    with pytest.raises(UserError, match="the chat template of file differs"):
        check()


def test_other_token_ids_are_named(make_loaded, prompts, tmp_path):
    loaded = make_loaded()
    tensors = write_model(tmp_path / "file", loaded, "F16", {}, None)
    loaded.tokenizer.add_tokens(["return"])
    with pytest.raises(UserError, match=r"gives other token ids, first at token \d+ of 'def f\(x\)"):
        check_model(tmp_path / "file", loaded, tensors, TEXTS, greedy_answers(loaded, prompts))
