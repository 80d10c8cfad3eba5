"""The official client of OpenAI against both engines."""

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from codetune.generation.engines.llama_cpp import LlamaCppEngine
from codetune.generation.engines.torch_engine import TorchEngine
from codetune.serving.guard import Access
from tests.support.controlled_engine import serving
from tests.support.engines import limits, make_models

KEY = "a-key-of-sixteen-or-more"
ENGINES = {"torch": TorchEngine, "llama.cpp": LlamaCppEngine}


@pytest.fixture(scope="module", params=ENGINES)
def client(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    engine = ENGINES[request.param](make_models(folder), limits(folder))
    with (
        serving(engine, access=Access("127.0.0.1", key=KEY)) as port,
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0, timeout=60) as found,
    ):
        yield found


def ask(client, model="base", text="Reverse a list.", **settings):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=messages, max_tokens=20, **settings)


def content(client, *asked, **settings):
    return ask(client, *asked, **settings).choices[0].message.content


def test_the_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["base", "tuned", "tuned@5"]
    assert client.models.retrieve("tuned@5").owned_by == "codetune"


def test_an_answer(client):
    answer = ask(client)
    assert answer.model == "base"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 20
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 20


def test_a_stream_has_the_same_text(client):
    with ask(client, stream=True, stream_options={"include_usage": True}) as stream:
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len([piece for piece in pieces if piece]) > 5
    assert "".join(pieces) == content(client)
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage.completion_tokens == 20


def test_models_differ_and_greedy_answers_do_not(client):
    texts = {model: [content(client, model), content(client, model)] for model in ("base", "tuned", "tuned@5")}
    assert all(first == second for first, second in texts.values())
    assert len({first for first, _ in texts.values()}) == 3


def test_a_seed_decides_a_drawn_answer(client):
    drawn = [content(client, temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_stop_text_ends_an_answer_and_is_not_in_it(client):
    whole = content(client)
    stop = whole[5:8]
    answer = ask(client, stop=[stop, "never-there"])
    assert answer.choices[0].message.content == whole[: whole.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_a_conversation_of_several_turns(client):
    turns = [("system", "Be short."), ("user", "a"), ("assistant", "b"), ("user", "c")]
    messages = [{"role": role, "content": text} for role, text in turns]
    answer = client.chat.completions.create(model="base", messages=messages, max_tokens=4)
    assert answer.usage.completion_tokens <= 4


def test_many_clients_of_several_models(client):
    asked = [("base", "tuned", "tuned@5")[at % 3] for at in range(12)]
    alone = {model: content(client, model) for model in set(asked)}
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(lambda model: content(client, model), asked)) == [alone[model] for model in asked]


def test_errors_are_those_of_the_client(client):
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, "other")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, text="x " * 400)
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, extra_body={"colour": "blue"})
    assert caught.value.param == "colour"
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="another-key-of-sixteen"))
