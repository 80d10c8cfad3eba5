from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from codetune.core.errors import UserError
from codetune.generation import sampling
from codetune.generation.engines.side_by_side import SideBySide
from codetune.generation.sampling import SamplingSettings, choose_token
from codetune.generation.stream import StreamEvent, stream_ids
from codetune.models.load import LoadedModel, load_model
from codetune.models.prompt import completion_text, prompt_ids
from tests.conftest import make_tiny_base

ASK = "Write a Python function `take` with parameters `n` and `iterable`. Return the first `n` items."


@pytest.fixture(scope="module")
def base(tiny_base: Path) -> LoadedModel:
    return load_model(tiny_base)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(make_tiny_base(tmp_path_factory.mktemp("other") / "base", seed=8))


def text_of(events: list[StreamEvent], name: str) -> str:
    return "".join(event.text_delta for event in events if event.name == name)


def ask(models: dict[str, LoadedModel], **settings: Any) -> list[StreamEvent]:
    chosen = SamplingSettings(**{"max_new_tokens": 12, **settings})
    streams = {
        name: stream_ids(name, loaded, prompt_ids(loaded.tokenizer, ASK), chosen) for name, loaded in models.items()
    }
    return list(SideBySide(streams, in_turn=True))


def greedy_without_cache(loaded: LoadedModel, count: int) -> list[int]:
    """The likeliest tokens one by one, the whole text read anew each time."""
    ids, found = prompt_ids(loaded.tokenizer, ASK), []
    while len(found) < count:
        with torch.inference_mode():
            token = int(loaded.model(input_ids=torch.tensor([ids + found])).logits[0, -1].argmax())
        if token in loaded.end_ids:
            break
        found.append(token)
    return found


class Scripted:
    """A model that says the given ids whatever it reads, and counts how much it was given at a time."""

    def __init__(self, tokenizer: Any, ids: list[int], context: int = 10_000) -> None:
        self.ids = iter(ids)
        self.vocabulary = len(tokenizer)
        self.read: list[int] = []
        self.config = SimpleNamespace(max_position_embeddings=context)
        self.config.get_text_config = lambda **_: self.config
        self.generation_config = SimpleNamespace(eos_token_id=None)

    def __call__(self, input_ids: torch.Tensor, **_: Any) -> Any:
        self.read.append(input_ids.shape[1])
        logits = torch.zeros(1, 1, self.vocabulary)
        logits[0, 0, next(self.ids)] = 9.0
        return SimpleNamespace(logits=logits, past_key_values="cache")


def scripted(base: LoadedModel, text: str, *, end: bool = True, context: int = 10_000) -> LoadedModel:
    ids = base.tokenizer(text, add_special_tokens=False)["input_ids"]
    model = Scripted(base.tokenizer, ids + [base.tokenizer.eos_token_id] * end, context)
    return LoadedModel(model, base.tokenizer, "scripted")


def test_greedy_answers_are_those_of_the_whole_text_read_anew(base: LoadedModel, other: LoadedModel) -> None:
    events = ask({"base": base, "tuned": other})
    for name, loaded in (("base", base), ("tuned", other)):
        assert text_of(events, name) == completion_text(loaded.tokenizer, greedy_without_cache(loaded, 12))
    assert text_of(events, "base") != text_of(events, "tuned")


def test_models_take_turns_and_do_not_disturb_each_other(base: LoadedModel, other: LoadedModel) -> None:
    settings = {"temperature": 1.0, "seed": 5}
    events = ask({"base": base, "tuned": other}, **settings)
    assert [event.name for event in events[:6]] == ["base", "tuned"] * 3
    assert text_of(events, "base") == text_of(ask({"base": base}, **settings), "base")


def test_each_answer_ends_with_one_finished_event(base: LoadedModel) -> None:
    events = ask({name: scripted(base, "abcdefgh") for name in ("one", "two")}, max_new_tokens=5)
    for name in ("one", "two"):
        own = [event for event in events if event.name == name]
        assert [event.finished for event in own] == [False] * (len(own) - 1) + [True]
        assert [event.tokens for event in own] == list(range(1, 6))
        assert all(0 < event.first_token_s <= event.seconds for event in own)
        assert own[-1].tokens_per_s == pytest.approx(5 / own[-1].seconds)


@pytest.mark.parametrize(
    ("limit", "tokens", "stopped"), [(100, 8, True), (9, 8, True), (8, 8, False), (3, 3, False), (1, 1, False)]
)
def test_an_answer_ends_by_itself_or_at_the_limit(base: LoadedModel, limit: int, tokens: int, stopped: bool) -> None:
    ids = base.tokenizer("return x", add_special_tokens=False)["input_ids"]
    loaded = scripted(base, "return x" * (8 // len(ids)) + "a" * (8 % len(ids)))
    last = ask({"m": loaded}, max_new_tokens=limit)[-1]
    assert (last.tokens, last.stopped, last.finished) == (tokens, stopped, True)


def test_the_end_token_is_no_text(base: LoadedModel) -> None:
    assert text_of(ask({"m": scripted(base, "pass")}), "m") == "pass"


def test_only_new_tokens_are_read_after_the_prompt(base: LoadedModel) -> None:
    loaded = scripted(base, "pass")
    events = ask({"m": loaded})
    assert loaded.model.read == [len(prompt_ids(base.tokenizer, ASK))] + [1] * (len(events) - 1)


def test_half_a_character_is_kept_back(base: LoadedModel) -> None:
    events = ask({"m": scripted(base, "caf\u00e9 \u4e2d")}, max_new_tokens=60)
    assert text_of(events, "m") == "caf\u00e9 \u4e2d"
    assert not any("\ufffd" in event.text_delta for event in events)
    assert "" in [event.text_delta for event in events[:-1]]


def test_half_a_character_at_the_end_is_told_as_it_is(base: LoadedModel) -> None:
    ids = base.tokenizer("\u4e2d", add_special_tokens=False)["input_ids"]
    loaded = scripted(base, "\u4e2d", end=False)
    assert text_of(ask({"m": loaded}, max_new_tokens=len(ids) - 1), "m").count("\ufffd") >= 1


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_the_same_seed_gives_the_same_answer(base: LoadedModel, temperature: float) -> None:
    first, again = (text_of(ask({"m": base}, temperature=temperature, seed=5), "m") for _ in range(2))
    assert first == again


def test_another_seed_gives_another_answer_only_where_there_is_chance(base: LoadedModel) -> None:
    sampled = {text_of(ask({"m": base}, temperature=1.0, seed=seed), "m") for seed in range(3)}
    greedy = {text_of(ask({"m": base}, temperature=0.0, seed=seed), "m") for seed in range(3)}
    assert (len(sampled), len(greedy)) == (3, 1)


def test_the_context_of_the_model_bounds_the_answer(base: LoadedModel) -> None:
    prompt = len(prompt_ids(base.tokenizer, ASK))
    events = ask({"m": scripted(base, "a" * 20, context=prompt + 4)})
    assert (len(events), events[-1].stopped) == (4, False)
    with pytest.raises(
        UserError, match=f"the prompt has {prompt} tokens, and the context of the model is {prompt} tokens"
    ):
        ask({"m": scripted(base, "a", context=prompt)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", -1),
        ("max_new_tokens", 0),
        ("seed", -1),
    ],
)
def test_settings_out_of_range_are_named(name: str, value: float) -> None:
    with pytest.raises(UserError, match=f"^{name} is"):
        SamplingSettings(**{name: value})


class TestChooseToken:
    # Probabilities 0.1, 0.4, 0.2, 0.3 at temperature 1.
    logits = torch.log(torch.tensor([0.1, 0.4, 0.2, 0.3]))

    def shares(self, **settings: Any) -> dict[int, float]:
        generator = torch.Generator().manual_seed(1)
        chosen = SamplingSettings(**{"temperature": 1.0, **settings})
        counts = Counter(choose_token(self.logits, chosen, generator) for _ in range(4000))
        return {token: count / 4000 for token, count in counts.items()}

    @pytest.mark.parametrize(
        ("settings", "shares"),
        [
            ({}, {0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3}),
            ({"temperature": 0.0}, {1: 1.0}),
            ({"top_k": 1}, {1: 1.0}),
            ({"top_k": 2}, {1: 4 / 7, 3: 3 / 7}),
            ({"top_p": 0.05}, {1: 1.0}),
            ({"top_p": 0.69}, {1: 4 / 7, 3: 3 / 7}),
            ({"top_p": 0.71}, {1: 4 / 9, 3: 3 / 9, 2: 2 / 9}),
            ({"top_k": 3, "top_p": 0.5}, {1: 4 / 7, 3: 3 / 7}),
            ({"temperature": 0.01}, {1: 1.0}),
        ],
    )
    def test_shares(self, settings: dict[str, Any], shares: dict[int, float]) -> None:
        assert self.shares(**settings) == pytest.approx(shares, abs=0.03)

    def test_the_last_token_can_be_chosen_however_sums_are_rounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        logits = torch.zeros(50_000)
        rounded = (logits.softmax(0) * 1.1).cumsum(0)  # reaches 1 before the last tokens
        monkeypatch.setattr(torch.Tensor, "cumsum", lambda *_args, **_options: rounded)
        monkeypatch.setattr(torch, "rand", lambda *_args, **_options: torch.tensor([0.99999]))
        assert choose_token(logits, SamplingSettings(temperature=1.0), torch.Generator()) > 49_900

    @pytest.mark.parametrize("settings", [{"top_p": 0.3}, {"top_p": 0.9}, {"top_k": 100}, {"top_k": 100, "top_p": 0.9}])
    def test_in_a_large_vocabulary_the_most_likely_tokens_are_kept(
        self, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        logits = torch.randn(2000, generator=torch.Generator().manual_seed(3)).round(decimals=1)  # many are equal
        monkeypatch.setattr(sampling, "_CANDIDATES", 2)
        found, ids = sampling._most_likely(logits.softmax(0), SamplingSettings(temperature=1.0, **settings))
        expected, order = logits.softmax(0).sort(descending=True, stable=True)
        assert torch.equal(ids, order[: len(ids)])
        whole = expected[: settings.get("top_k", 2000)]
        torch.testing.assert_close(found, (whole / whole.sum())[: len(ids)])
        assert settings.get("top_k") == len(ids) or found.sum() >= settings["top_p"]


def test_many_at_once_get_their_own_answers(base: LoadedModel, other: LoadedModel) -> None:
    def one(seed: int) -> str:
        events = ask({"base": base, "tuned": other}, temperature=1.0, seed=seed, max_new_tokens=8)
        return text_of(events, "tuned")

    alone = [one(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, range(3))) == alone
