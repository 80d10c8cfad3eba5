"""Any causal model of transformers: the families that people tune, tiny and random, from folder to merged adapter."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import torch
from gguf import GGMLQuantizationType
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from codetune.core.files import digest_file, read_jsonl
from codetune.export.merge import merge, save_merged
from codetune.generation.batch import answer_all
from codetune.models.load import LoadedModel, attach_adapter, load_model, load_tokenizer
from codetune.models.locate import model_files
from codetune.models.logits import logits_at
from codetune.models.prompt import CHAT_TEMPLATE, IGNORED_LABEL, example_ids, prompt_ids
from codetune.training.data import collate, pack
from codetune.training.loss import batch_loss
from stages import train
from tests.conftest import ROWS_FILE, tiny_tokenizer
from tests.models.gguf_files import CHATML, make_gguf
from tests.support.families import SHAPES, WORKS, outcome, read_table
from tests.support.training import inputs_in, outputs_in, params, tokenized

OWN_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """What is peculiar to a family, and to the tokenizers that come with its models."""

    shape: dict[str, Any] = field(default_factory=dict)
    tied: bool = False
    pad: str | None = "<|pad|>"
    template: str | None = None
    modules: int = 14  # that are adapted in two layers


FAMILIES = {
    "llama": Family(pad=None),
    "qwen2": Family(tied=True, pad="<|end|>", template=OWN_TEMPLATE),
    "qwen3": Family({"head_dim": 8}, tied=True, template=OWN_TEMPLATE),
    "gpt2": Family(tied=True, pad=None, modules=8),  # Conv1D, and one projection for query, key and value
    "gemma": Family({"head_dim": 8, "num_key_value_heads": 1}, tied=True),
    "gemma2": Family({"head_dim": 8}, tied=True, template=OWN_TEMPLATE),
    "phi": Family(pad="<|end|>", modules=12),
    "phi3": Family(template=OWN_TEMPLATE, modules=8),  # fused projections
    "starcoder2": Family(tied=True, pad=None, modules=12),
    "mistral": Family(template=OWN_TEMPLATE),
    "gguf": Family(template=CHATML),  # a llama in one file
}


def make_base(name, folder):
    """A folder shaped like a hub snapshot of the family, or a GGUF file."""
    if name == "gguf":
        return make_gguf(folder, kind=GGMLQuantizationType.Q8_0)
    family = FAMILIES[name]
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = family.template
    tokenizer.pad_token = family.pad
    heads = {} if name in {"gpt2", "phi"} else {"num_key_value_heads": 2}
    shape = {
        "vocab_size": 416, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 512, "initializer_range": 0.2,
        "tie_word_embeddings": family.tied, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **(shape | heads | family.shape)))
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SOON = ("llama", "qwen3", "gguf")  # what `make test` trains; `make test-long` trains the others


def _tiers(names, soon):
    """The names, as parameters of a test: a long one, unless it is among those that are soon tried."""
    return [pytest.param(name, marks=() if name in soon else pytest.mark.long) for name in names]


@pytest.fixture(scope="module", params=_tiers(FAMILIES, SOON))
def trained(request, tmp_path_factory):
    """Family, folder of the base, what it held before, folder of the adapter, and the report of the stage."""
    root = tmp_path_factory.mktemp(request.param)
    base = make_base(request.param, root / "base")
    before = {path.name: digest_file(path) for path in model_files(base)}
    rows = read_jsonl(ROWS_FILE)
    inputs, outputs = inputs_in(root, rows[:18], rows[18:]), outputs_in(root)
    report = train.run(params(base, epochs=4, max_tokens=300), inputs, outputs)
    return FAMILIES[request.param], base, before, outputs.adapter, report


def test_it_is_tuned_and_the_base_stays(trained):
    family, base, before, adapter, report = trained
    assert report["best"]["val_loss"] < report["first_val_loss"] - 0.1
    assert report["trainable"]["module_count"] == family.modules
    assert {path.name: digest_file(path) for path in model_files(base)} == before
    assert not [path for path in adapter.iterdir() if path.suffix in {".bin", ".pt", ".pth"}]


def test_merged_answers_are_those_of_base_and_adapter(trained):
    _, base, _, adapter, _ = trained
    merged = load_model(base, adapter)
    beside = LoadedModel(attach_adapter(load_model(base).model, adapter), merged.tokenizer, "beside")
    prompts = [prompt_ids(merged.tokenizer, row["instruction"]) for row in read_jsonl(ROWS_FILE)[:4]]
    for prompt in prompts:
        ids = torch.tensor([prompt])
        assert torch.allclose(merged.model(ids).logits, beside.model(ids).logits, atol=1e-4)
        assert not torch.allclose(merged.model(ids).logits, load_model(base).model(ids).logits, atol=1e-2)
    texts = [
        {index: answer.ids for index, answer in answer_all(model, prompts, max_new_tokens=12, batch_size=4)}
        for model in (merged, beside)
    ]
    assert texts[0] == texts[1]


def test_prompts_are_the_same_everywhere_and_the_mask_is_exact(trained, tmp_path):
    family, base, _, adapter, _ = trained
    merged, *_ = merge(load_model(base), adapter, [[3, 4, 5]], [[3, 4], [5]])
    save_merged(merged, tmp_path / "export", "float32")
    stored = AutoTokenizer.from_pretrained(adapter, local_files_only=True)
    tokenizers = [load_tokenizer(base), stored, load_tokenizer(tmp_path / "export")]
    for row in read_jsonl(ROWS_FILE)[:6]:
        prompts = [prompt_ids(tokenizer, row["instruction"]) for tokenizer in tokenizers]
        assert prompts[0] == prompts[1] == prompts[2]
        example = example_ids(tokenizers[0], row["instruction"], row["completion"], 10_000)
        masked = len(prompts[0])
        assert example.input_ids[:masked] == prompts[0]
        assert example.labels[:masked] == [IGNORED_LABEL] * masked
        assert example.labels[masked:] == example.input_ids[masked:]
        assert example.labels[-1] == tokenizers[0].eos_token_id
        assert tokenizers[0].decode(example.labels[masked:-1]) == row["completion"]
    assert tokenizers[0].chat_template == (family.template or CHAT_TEMPLATE)


def test_packed_rows_do_not_see_each_other(trained):
    _, base, _, _, _ = trained
    loaded = load_model(base)
    rows = tokenized(loaded.tokenizer, read_jsonl(ROWS_FILE)[:3])
    batch = pack(rows)
    together = logits_at(loaded.model, batch.input_ids, batch.positions, batch.position_ids)
    apart = [logits_at(loaded.model, one.input_ids, one.positions) for one in (collate([row], 0) for row in rows)]
    assert torch.allclose(together, torch.cat(apart), atol=1e-4)


@pytest.mark.parametrize("collate_fn", [pack, partial(collate, pad_id=0)], ids=["packed", "padded"])
def test_any_number_of_threads_gives_the_same_gradients(trained, collate_fn, same_bits):
    _, base, _, adapter, _ = trained
    loaded = load_model(base)
    model = attach_adapter(loaded.model, adapter).eval()
    for name, weight in model.named_parameters():
        weight.requires_grad_("norm" in name or "ln_" in name or "lora_" in name)
    rows = tokenized(loaded.tokenizer, read_jsonl(ROWS_FILE)[:10])
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    same_bits(lambda: torch.autograd.grad(batch_loss(model, collate_fn(rows)), weights))


IN_EVERY_RUN = ("bloom", "gemma3_text", "mamba", "phimoe")
LEAST = 24  # families that the page is to say "yes" of


@pytest.mark.parametrize("name", _tiers(SHAPES, IN_EVERY_RUN))
def test_the_page_of_families_says_what_becomes_of_them(name, tmp_path):
    assert outcome(name, tmp_path) == read_table()[name]


def test_the_page_has_all_families_and_enough_that_work():
    told = read_table()
    assert set(told) == set(SHAPES)
    assert sum(state == WORKS for state, _ in told.values()) >= LEAST
