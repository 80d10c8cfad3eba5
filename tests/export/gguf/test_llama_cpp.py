"""llama.cpp, from the package xllamacpp, loads what was written and chooses the same greedy tokens as torch."""

import pytest
import torch

from codetune.export.gguf.model import write_model
from codetune.generation.batch import answer_all
from codetune.models.gguf.config import ARCHITECTURES
from codetune.models.gguf_writing.adapter import read_lora, write_adapter
from codetune.models.load import LoadedModel
from tests.models.gguf_writing.test_adapter import with_adapter

llama_cpp = pytest.importorskip("xllamacpp")
TOKENS = 12
TIE = 5e-3  # two logits of 4 or 5 that are so close may change places: both programs round in another order


def greedy(path, prompts, adapter=None):
    """The token ids of llama.cpp's answers. Its cache holds float32, as that of torch."""
    params = llama_cpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.warmup, params.cache_prompt = 256, 1, False, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_type_k = params.cache_type_v = llama_cpp.ggml_type.GGML_TYPE_F32
    if adapter is not None:
        params.lora_adapters = [llama_cpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    server = llama_cpp.Server(params)
    asked = {"max_tokens": TOKENS, "temperature": 0.0, "return_tokens": True, "verbose": True}
    answers = [server.handle_completions(asked | {"prompt": prompt}) for prompt in prompts]
    return [[token for token in answer["__verbose"]["tokens"] if token != 1] for answer in answers]


def expected(model, prompts, tokenizer):
    loaded = LoadedModel(model, tokenizer, "tiny")
    answers = dict(answer_all(loaded, prompts, max_new_tokens=TOKENS, batch_size=1))
    return [answers[index].ids for index in range(len(prompts))]


def assert_same(model, prompts, found, wanted):
    """Assert that the tokens are equal up to the first tie, and that most answers have none."""
    ties = 0
    for prompt, one, other in zip(prompts, found, wanted, strict=True):
        place = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
        if one == other:
            continue
        ties += 1
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + other[:place]])).logits[0, -1]
        assert logits.max() - logits[one[place] if place < len(one) else 1] < TIE
    assert ties < len(prompts)


@pytest.mark.parametrize(("architecture", "kind"), [*((name, "F32") for name in ARCHITECTURES), ("llama", "F16")])
def test_a_merged_model_gives_the_same_tokens(make_loaded, prompts, tmp_path, architecture, kind):
    loaded = make_loaded(architecture)
    path = tmp_path / "model.gguf"
    write_model(path, loaded, kind, {"general.name": "tiny"}, None)
    assert_same(loaded.model, prompts, greedy(path, prompts), expected(loaded.model, prompts, loaded.tokenizer))


@pytest.mark.parametrize("kind", ["F32", "F16"])
def test_an_adapter_on_its_base_gives_the_same_tokens(make_loaded, prompts, tmp_path, kind):
    base = make_loaded()
    write_model(tmp_path / "base.gguf", base, "F32", {}, None)
    tuned = with_adapter(make_loaded().model, target_modules="all-linear", rank_pattern={"q_proj": 4}).eval()
    write_adapter(tmp_path / "adapter.gguf", read_lora(tuned), "llama", base.model, kind, {"general.name": "tiny"})
    plain = expected(base.model, prompts, base.tokenizer)
    merged = tuned.merge_and_unload()
    wanted = expected(merged, prompts, base.tokenizer)
    assert all(one[:2] != other[:2] for one, other in zip(plain, wanted, strict=True))
    assert_same(base.model, prompts, greedy(tmp_path / "base.gguf", prompts), plain)
    assert_same(merged, prompts, greedy(tmp_path / "base.gguf", prompts, tmp_path / "adapter.gguf"), wanted)


def test_a_base_of_another_family_refuses_the_adapter(make_loaded, prompts, tmp_path):
    write_model(tmp_path / "base.gguf", make_loaded("qwen2"), "F32", {}, None)
    lora = read_lora(with_adapter(make_loaded().model))
    write_adapter(tmp_path / "adapter.gguf", lora, "llama", make_loaded().model, "F16", {})
    with pytest.raises(RuntimeError):
        greedy(tmp_path / "base.gguf", prompts, tmp_path / "adapter.gguf")
