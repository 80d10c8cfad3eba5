"""What is kept is reused after a change of a page or a sentence, and never after one of what computes it."""

import shutil
from importlib.metadata import version

import pytest

from codetune.core import fingerprint as module
from codetune.core import imports
from codetune.core.fingerprint import fingerprint
from codetune.data.augment.chat import ChatParaphraser
from codetune.evaluation.execution.answering import AnswerSettings
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.kept import recipe
from codetune.generation.sampling import SamplingSettings
from codetune.models.encoders.locate import locate_encoder
from codetune.numerics import NumericsParams
from codetune.training.world import World
from stages import generate, train
from tests.data.augment.conftest import make_params
from tests.evaluation.metrics.conftest import changed
from tests.support import training

PORTABLE = NumericsParams(mode="portable", threads=1)
FAST = NumericsParams(mode="fast", threads=1)


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the project's code, which the fingerprint reads."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("codetune", "stages"):
        shutil.copytree(imports.PROJECT / name, tmp_path / "code" / name, ignore=ignored)
    monkeypatch.setattr(imports, "PROJECT", tmp_path / "code")
    return tmp_path / "code"


def digests(monkeypatch, tmp_path, base, numerics):
    """The fingerprint of each thing that is kept."""
    monkeypatch.setattr("codetune.numerics._fixed", [numerics])
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}\n")
    given = training.params(base)
    learned = train.Params(given.train, given.model, numerics, given.task)
    options = generate.GenerateParams.model_validate({
        "seed": 7, "max_prompts": 1, "reworded_prompts": 0, "benchmark_prompts": 0, "max_new_tokens": 4,
        "batch_size": 1, "stop": "code", "device": "cpu",
    })  # fmt: skip
    asked = generate.Params(options, given.model, numerics)
    chat = make_params(method="model", chat={"model": str(base), "temperature": 0.7, "max_tokens": 12})
    settings = changed().bertscore
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
    checkpoint = train._fingerprint(learned, train.Inputs(rows, rows), World(), "float32")
    return {
        "checkpoint": checkpoint.digest,
        "answers": generate._recipe(asked, None, [], "cpu", "float32"),
        "answer_validity": AnswerSettings(str(base), None, 1, SamplingSettings()).recipe([]),
        "paraphrases": ChatParaphraser(chat, tmp_path)._recipe([]),
        "scores": recipe(encoder, numerics),
    }


def append(path):
    with path.open("a") as stream:
        stream.write("# changed\n")


def test_each_cache_is_kept_or_discarded(sources, tmp_path, tiny_base, monkeypatch):
    def now(numerics=PORTABLE):
        return digests(monkeypatch, tmp_path, tiny_base, numerics)

    first = now()
    assert now() == first
    for path in ("codetune/app/pages/compare.py", "codetune/reporting/reasons.py", "codetune/compare/wording.py",
                 "codetune/__init__.py"):  # fmt: skip
        append(sources / path)
    assert now() == first, "a page, a sentence and the version of codetune change nothing that is computed"

    def different(found):
        return {name for name in first if found[name] != first[name]}

    assert different(now(FAST)) == set(first)
    monkeypatch.setattr(module, "version", lambda name: "0" if name == "torch" else version(name))
    assert different(now()) == set(first)
    monkeypatch.setattr(module, "version", version)
    monkeypatch.setattr(module.platform, "python_version", lambda: "3.99.0")
    assert different(now()) == set(first)
    monkeypatch.undo()
    monkeypatch.setattr(imports, "PROJECT", sources)
    append(sources / "codetune/evaluation/metrics/bertscore.py")
    assert different(now()) == {"scores"}
    append(sources / "codetune/training/loop.py")
    assert different(now()) == {"scores", "checkpoint"}
    append(sources / "codetune/generation/batch.py")  # `train` tries a few answers of its base, too
    assert different(now()) == set(first)


def test_parameters_and_inputs_are_facts(tmp_path):
    (tmp_path / "rows").write_text("a")

    def found(seed=1, text="a"):
        (tmp_path / "rows").write_text(text)
        return fingerprint(
            "stages.plot", parameters={"seed": seed}, inputs={"rows": tmp_path / "rows"}, numerics=PORTABLE
        )

    assert found() == found()
    assert len({each.digest for each in (found(), found(seed=2), found(text="b"))}) == 3
    assert found().facts["seed"] == "1"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(("portable", 1), ("portable", 2), True), (("strict", 1), ("strict", 2), True), (("fast", 1), ("fast", 2), False),
     (("portable", 1), ("strict", 1), False)],
)  # fmt: skip
def test_threads_count_where_they_change_results(one, other, same):
    found = [
        fingerprint("stages.plot", parameters={}, inputs={}, numerics=NumericsParams(mode=mode, threads=threads)).digest
        for mode, threads in (one, other)
    ]
    assert (found[0] == found[1]) is same


@pytest.mark.parametrize(("mode", "same"), [("portable", True), ("strict", False), ("fast", False)])
def test_the_processor_counts_where_it_changes_results(mode, same, monkeypatch):
    numerics = NumericsParams(mode=mode, threads=1)

    def found(processor):
        monkeypatch.setattr(module, "_processor", lambda: processor)
        return fingerprint("stages.plot", parameters={}, inputs={}, numerics=numerics).digest

    assert (found("one") == found("another")) is same
