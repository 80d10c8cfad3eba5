"""The same instruction is the same token ids wherever a model is asked, whatever system text is chosen."""

from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from codetune.core.errors import UserError
from codetune.core.files import write_jsonl
from codetune.evaluation.execution import answering
from codetune.evaluation.execution.answering import AnswerSettings, answer_problems
from codetune.evaluation.problems.reading import read_problems
from codetune.export.merge import merge, save_merged
from codetune.generation import batch
from codetune.generation.engines.engine import EngineLimits, EngineModels
from codetune.generation.engines.side_by_side import stream_answers
from codetune.generation.engines.torch_engine import TorchEngine
from codetune.generation.params import GenerateParams
from codetune.generation.sampling import SamplingSettings
from codetune.models.load import load_model
from codetune.training import loop
from stages import generate, train
from tests.conftest import SYSTEM
from tests.evaluation.problems.test_reading import HUMANEVAL, written
from tests.support.training import params

PROMPTS = {
    "keep": f"<|pad|>system\n{SYSTEM}<|end|>\n<|pad|>user\n{{}}<|end|>\n<|pad|>assistant\n",
    "none": "<|pad|>user\n{}<|end|>\n<|pad|>assistant\n",
    "Code only.": "<|pad|>system\nCode only.<|end|>\n<|pad|>user\n{}<|end|>\n<|pad|>assistant\n",
}


GENERATE = GenerateParams(
    seed=7,
    max_prompts=1,
    benchmark_prompts=0,
    reworded_prompts=0,
    max_new_tokens=4,
    batch_size=1,
    stop="end",
    device="cpu",
)


@pytest.fixture
def asked(monkeypatch):
    """The prompts that models are given, by whoever asks for whole answers; they answer nothing."""
    prompts = []

    def answer_all(_loaded, new, **_settings):
        prompts.extend(new)
        return ((index, batch.Answer([], "end")) for index in range(len(new)))

    for module in (batch, generate, answering):
        monkeypatch.setattr(module, "answer_all", answer_all)
    return prompts


@pytest.fixture
def trained_on(monkeypatch):
    """The prompts of the rows that a model is trained on or validated with: what stands before the labels."""
    prompts = []
    true_loss = loop.batch_loss

    def batch_loss(model, rows, *more):
        prompts.append(rows.input_ids[0, : int(rows.positions[0]) + 1].tolist())
        return true_loss(model, rows, *more)

    monkeypatch.setattr(loop, "batch_loss", batch_loss)
    return prompts


@pytest.mark.parametrize("system", PROMPTS)
def test_same_ids_everywhere(monkeypatch, tiny_instruct, instruction_rows, asked, trained_on, tmp_path, system):
    problems = read_problems(written(tmp_path / "problems.jsonl", HUMANEVAL))
    rows, none, adapter = tmp_path / "rows.jsonl", tmp_path / "none.jsonl", tmp_path / "adapter"
    write_jsonl(rows, [row | {"instruction": problems[0].question} for row in instruction_rows[:2]])
    write_jsonl(none, [])
    given = params(tiny_instruct, system, max_steps=1, batch_size=1, max_tokens=400)

    summary = train.run(
        given,
        train.Inputs(rows, rows),
        train.Outputs(adapter, tmp_path / "training", tmp_path / "checkpoints"),
    )
    merged, *_ = merge(load_model(tiny_instruct, system=system), adapter, [[3, 4]], [])
    save_merged(merged, tmp_path / "export", "float32")
    asked.clear()

    (tmp_path / "benchmarks").mkdir()
    written(tmp_path / "benchmarks/mine.jsonl", HUMANEVAL)
    reports = [
        generate.run(
            generate.Params(GENERATE, given.model, given.numerics),
            generate.Inputs(rows, none, none, tmp_path / "benchmarks", none, adapter),
            generate.Outputs(tmp_path / "samples", tmp_path / "journals"),
            variant,
        )
        for variant in ("base", "tuned")
    ]
    settings = SamplingSettings(max_new_tokens=4)
    for number, asking in enumerate([
        AnswerSettings(str(tiny_instruct), None, 1, settings, system=system),
        AnswerSettings(str(tiny_instruct), adapter, 1, settings),
        AnswerSettings(str(tmp_path / "export"), None, 1, settings),
    ]):  # fmt: skip
        answer_problems(problems, asking, tmp_path / f"answers{number}.jsonl")
    assert len(asked) == 7

    page = TorchEngine(EngineModels(str(tiny_instruct), None, {"tuned": adapter}, {}), EngineLimits(1, 0, 1, tmp_path))
    given = []
    monkeypatch.setattr(page, "stream", lambda _model, prompt, _settings: given.append(prompt))
    stream_answers({"page": (page, "tuned")}, problems[0].question, settings)
    streamed = given[0]
    exported = AutoTokenizer.from_pretrained(tmp_path / "export", local_files_only=True)
    plain = exported.apply_chat_template(
        [{"role": "user", "content": problems[0].question}], add_generation_prompt=True, return_dict=False
    )
    expected = exported(PROMPTS[system].format(problems[0].question), add_special_tokens=False)["input_ids"]
    assert trained_on
    assert {tuple(ids) for ids in [plain, streamed, *asked, *trained_on]} == {tuple(expected)}
    assert {report["prompt"] for report in [summary, *reports]} == {PROMPTS[system].format("{instruction}")}


def test_answers_to_another_system_text_are_not_mixed(tiny_instruct, asked, tmp_path):
    problems = read_problems(written(tmp_path / "problems.jsonl", HUMANEVAL))
    asking = AnswerSettings(str(tiny_instruct), None, 1, SamplingSettings(max_new_tokens=4))
    answer_problems(problems, asking, tmp_path / "answers.jsonl")
    assert asked
    with pytest.raises(UserError, match="other settings"):
        answer_problems(problems, replace(asking, system="none"), tmp_path / "answers.jsonl")
