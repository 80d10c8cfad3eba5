"""Batched answers: those of transformers' own greedy decoding, whatever the batch."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from codetune.core.errors import UserError
from codetune.generation import batch
from codetune.generation.batch import answer_all
from codetune.generation.sampling import SamplingSettings, token_chooser
from codetune.models.load import LoadedModel, load_model
from codetune.models.prompt import prompt_ids

NEW = 20


@pytest.fixture(scope="module")
def loaded(tiny_base):
    return load_model(tiny_base)


@pytest.fixture
def prompts(loaded, instruction_rows):
    return [[5], [9, 8, 7], *(prompt_ids(loaded.tokenizer, row["instruction"]) for row in instruction_rows)]


def answers(loaded, prompts, batch_size=8, max_new_tokens=NEW):
    found = dict(answer_all(loaded, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size))
    return [found[index] for index in range(len(prompts))]


def by_transformers(loaded, prompt):
    ids = torch.tensor([prompt])
    output = loaded.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False)
    new = output[0, len(prompt) :].tolist()
    return new[:-1] if new[-1] in loaded.end_ids else new


def test_answers_are_those_of_transformers(loaded, prompts):
    found = answers(loaded, prompts)
    assert [answer.ids for answer in found] == [by_transformers(loaded, prompt) for prompt in prompts]
    assert len({tuple(answer.ids) for answer in found}) > len(prompts) // 2, "the model must say different things"


@pytest.fixture
def ending(loaded, prompts):
    """The same model, with end tokens that some answers meet early, some late, and some never."""
    common = [answer.ids[at] for answer, at in zip(answers(loaded, prompts), (0, 3, 7, 12, 19), strict=False)]
    generation_config = loaded.model.generation_config
    before = generation_config.eos_token_id
    generation_config.eos_token_id = common
    yield replace(loaded)  # which has not looked for its end tokens yet
    generation_config.eos_token_id = before


@pytest.mark.parametrize("batch_size", [1, 3, 8, 11, 64])
def test_answers_do_not_depend_on_the_batch_size(ending, prompts, batch_size):
    assert answers(ending, prompts, batch_size) == answers(ending, prompts, 8)


def test_answers_do_not_depend_on_the_company(ending, prompts):
    together = answers(ending, prompts, 5)
    assert answers(ending, prompts[::-1], 5) == together[::-1]
    assert answers(ending, prompts[4:7], 5) == together[4:7]


def step_logits(loaded, prompts, batch_size):
    """The logits of every row and step of a run: (rows and steps, vocabulary)."""
    seen = []

    def note(logits):
        seen.append(logits.clone())
        return int(logits.argmax())

    choosers = [note] * len(prompts)
    list(answer_all(loaded, prompts, max_new_tokens=NEW, batch_size=batch_size, choosers=choosers))
    return torch.stack(seen)


def test_logits_in_any_company_differ_by_rounding_alone(loaded, prompts):
    # Text would hide a wrong mask or position until two tokens are about equally likely. How a matrix product is
    # rounded may depend on its number of rows: the processor's library decides that.
    some = [max(prompts, key=len), *prompts[4:9]]
    company = step_logits(loaded, prompts, 11)
    for prompt in some:
        found = dict(answer_all(loaded, [prompt], max_new_tokens=NEW, batch_size=1))[0]
        assert len(found.ids) == NEW
        own = step_logits(loaded, [prompt], 1)
        nearest = (own[:, None] - company[None]).abs().amax(-1).amin(-1)
        assert nearest.max() < 1e-4


def test_an_answer_ends_before_the_first_end_token(loaded, prompts, ending):
    ends = ending.end_ids
    unended = [by_transformers_without_end(loaded, prompt, ends) for prompt in prompts]
    found = answers(ending, prompts, 4)
    for answer, whole in zip(found, unended, strict=True):
        first = next((at for at, token in enumerate(whole) if token in ends), None)
        assert answer.stopped is (first is not None)
        assert answer.ids == whole[:first]
    assert {answer.stopped for answer in found} == {True, False}


def by_transformers_without_end(loaded, prompt, ends):
    ids = torch.tensor([prompt])
    output = loaded.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False,
        eos_token_id=[399], suppress_tokens=None,
    )  # fmt: skip
    assert 399 not in ends
    return output[0, len(prompt) :].tolist()


def test_the_limit_of_tokens_is_kept(loaded, prompts):
    assert {len(answer.ids) for answer in answers(loaded, prompts, max_new_tokens=1)} == {1}
    assert not any(answer.stopped for answer in answers(loaded, prompts[:3], max_new_tokens=4))


def test_no_prompts_no_answers(loaded):
    assert answers(loaded, []) == []


def test_the_model_may_be_trained_afterwards(tiny_base, prompts):
    loaded = load_model(tiny_base)
    finished = answer_all(loaded, prompts[:3], max_new_tokens=3, batch_size=2)
    next(finished)
    assert not torch.is_inference_mode_enabled()
    loaded.model(input_ids=torch.tensor([[5, 6]])).logits.sum().backward()


# gpt2: learnt positions. gemma2: attention with a soft cap, which needs the mask as numbers, and a window in every other
# layer. phi3 and mistral: sliding windows. qwen2_moe: one that is switched off. bloom: positions from the mask.
FAMILIES = {
    "gpt2": {},
    "gemma2": {"head_dim": 8, "num_key_value_heads": 2, "sliding_window": 20},
    "phi3": {"sliding_window": 300, "pad_token_id": 0},
    "mistral": {"num_key_value_heads": 2, "sliding_window": 20},
    "qwen2_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "num_key_value_heads": 2},
    "bloom": {"n_layer": 2, "n_head": 4},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_it_holds_for_other_families(family, loaded, prompts):
    torch.manual_seed(3)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = AutoConfig.for_model(
        family, vocab_size=400, initializer_range=0.2, bos_token_id=None, eos_token_id=1, **shape, **FAMILIES[family]
    )
    other = LoadedModel(AutoModelForCausalLM.from_config(config).eval(), loaded.tokenizer, family)
    some = prompts[:10]
    assert [answer.ids for answer in answers(other, some, 4)] == [by_transformers(other, prompt) for prompt in some]


def test_a_reach_of_a_kind_that_is_not_known_is_refused(loaded, prompts):
    config = AutoConfig.for_model(
        "gpt_neo",
        window_size=100,
        num_layers=2,
        attention_types=[[["global", "local"], 1]],
        hidden_size=32,
        vocab_size=400,
    )
    with pytest.raises(
        UserError, match=r"covers only the last 100 tokens \(window_size\), and prompt with answer can have"
    ):
        answers(replace(loaded, model=_Configured(config)), prompts)


class _Configured:
    def __init__(self, config):
        self.config = config


def drawn(loaded, prompts, batch_size, temperature=1.0, seeds=None):
    settings = SamplingSettings(temperature=temperature)
    choosers = [token_chooser(settings, seed) for seed in seeds or range(len(prompts))]
    found = dict(answer_all(loaded, prompts, max_new_tokens=NEW, batch_size=batch_size, choosers=choosers))
    return [found[index].ids for index in range(len(prompts))]


@pytest.mark.parametrize("batch_size", [1, 3, 11])
def test_drawn_answers_depend_on_their_seed_alone(loaded, prompts, batch_size):
    together = drawn(loaded, prompts, 8)
    assert drawn(loaded, prompts, batch_size) == together
    assert drawn(loaded, prompts[3:5], batch_size, seeds=[3, 4]) == together[3:5]
    assert drawn(loaded, prompts[3:5], batch_size, seeds=[4, 3]) != together[3:5]


def test_drawing_without_warmth_takes_the_likeliest(loaded, prompts):
    assert drawn(loaded, prompts, 8, temperature=0.0) == [answer.ids for answer in answers(loaded, prompts)]


def test_several_answers_to_a_prompt_differ(loaded, prompts):
    assert len(set(map(tuple, drawn(loaded, [prompts[2]] * 6, 4)))) == 6


@pytest.mark.parametrize("batch_size", [4, 16])
def test_a_prompt_with_several_answers_is_read_once(loaded, prompts, monkeypatch, batch_size):
    """With room for four answers the later ones start from a row that has said something already."""
    asked = [prompts[0], prompts[1], *([prompts[2]] * 6), *([prompts[3]] * 6)]
    settings = SamplingSettings(temperature=1.0)
    alone = [drawn(loaded, [prompt], 1, seeds=[seed])[0] for seed, prompt in enumerate(asked)]
    read = []
    known = batch._Prefix.read
    monkeypatch.setattr(
        batch._Prefix, "read", lambda *given, **named: (read.extend(given[2].tolist()), known(*given, **named))[1]
    )
    # Answers of different lengths, so that rows become free one by one.
    found = dict(
        answer_all(
            loaded, asked, max_new_tokens=NEW, batch_size=batch_size,
            choosers=[token_chooser(settings, seed) for seed in range(len(asked))],
            until=lambda index, ids: len(ids) == NEW - index,
        )
    )  # fmt: skip
    assert [found[index].ids for index in range(len(asked))] == [ids[: NEW - at] for at, ids in enumerate(alone)]
    assert len(read) == len({tuple(ids) for ids in asked if len(ids) > 1}) == 3


def test_an_answer_may_end_before_its_end_token(loaded, prompts):
    whole = answers(loaded, prompts)
    found = dict(
        answer_all(
            loaded, prompts, max_new_tokens=NEW, batch_size=5,
            until=lambda index, ids: len(ids) == index % 4 + 2 and index % 2 == 0,
        )
    )  # fmt: skip
    for index, answer in enumerate(whole):
        some = NEW if index % 2 else index % 4 + 2
        assert found[index].ids == answer.ids[:some]
        assert (found[index].ended, found[index].stopped) == (("limit", False) if index % 2 else ("until", True))


BEGINNING = "You write Python, and nothing but Python. "


@pytest.fixture
def begun(loaded):
    """The same model, with a template that says the same before every instruction."""
    before = loaded.tokenizer.chat_template
    loaded.tokenizer.chat_template = f"{BEGINNING}{{{{ messages[0]['content'] }}}}\nAnswer:\n"
    yield loaded
    loaded.tokenizer.chat_template = before


def test_the_common_beginning_is_read_once(begun, instruction_rows, monkeypatch):
    prompts = [
        [5],
        [9, 8, 7],
        [*range(20, 80)],
        *(prompt_ids(begun.tokenizer, row["instruction"]) for row in instruction_rows),
    ]
    seen = []
    known = batch._Prefix._run
    monkeypatch.setattr(
        batch._Prefix, "_run", lambda self, model, ids, cache: (seen.append(ids), known(self, model, ids, cache))
    )
    found = answers(begun, prompts, 6)
    assert [answer.ids for answer in found] == [by_transformers(begun, prompt) for prompt in prompts]
    start = seen[0][0].tolist()
    assert len(start) >= 8
    assert all(row.tolist()[: len(start)] != start for ids in seen[1:] for row in ids)
    assert answers(begun, prompts[3:4], 1) == found[3:4]


def test_as_many_rows_as_memory_allows(loaded, prompts, monkeypatch):
    sizes = []
    known = batch.SlotCache
    monkeypatch.setattr(batch, "SlotCache", lambda *arguments: (sizes.append(arguments[1]), known(*arguments))[1])
    whole = answers(loaded, prompts)
    for free in (10**9, 10**6):
        monkeypatch.setattr(batch, "_free_memory", lambda _device, free=free: free)
        assert answers(loaded, prompts, None) == whole
    assert sizes[1] > sizes[2] >= 8
    monkeypatch.setattr(batch, "_free_memory", lambda _device: 10**4)
    with pytest.raises(
        UserError, match=r"a batch of 8 answers with \d+ tokens each, prompt included, needs 0.0 GB of memory, and"
    ):
        answers(loaded, prompts, None)
