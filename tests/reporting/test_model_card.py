"""The model card says what the files say, and nothing else."""

import re

import pytest
from ruamel.yaml import YAML

from codetune.export.merge import MergeCheck
from codetune.reporting.model_card import CardFacts, model_card

PARAMS = {
    "model": {"base": "small", "revision": None},
    "train": {"learning_rate": 0.00213, "lora": {"rank": 13, "target_modules": ["q_proj", "a|b"]}},
    "score": {"confidence": 0.9},
    "export": {"dtype": "float32"},
}
CHECK = MergeCheck(prompts=8, logits=123456, max_difference=3.25e-6, allowed=2.5e-5, tokens=512, ties=0)
SCORES = {"bertscore": {"precision": 0.51, "recall": 0.52, "f1": 0.53}, "chrf": 31.25, "syntax_valid": 0.75}
METRICS = {
    "base": SCORES,
    "tuned": {"bertscore": {"precision": 0.61, "recall": 0.62, "f1": 0.63}, "chrf": 41.5, "syntax_valid": 0.9375},
    "gain": {"f1": {"mean": 0.1, "low": 0.08, "high": 0.12}},
    "prompts": 397,
}
TRAINING = {
    "rows": 2987,
    "tokens": 451234,
    "dropped": {"too_long": 13},
    "steps": 374,
    "first_val_loss": 2.5,
    "best": {"step": 350, "val_loss": 1.75},
    "trainable": {"parameters": 98765, "share": 0.0123, "modules": ["mlp.up_proj"]},
    "numerics": "portable",
}
FULL = CardFacts(
    params=PARAMS,
    check=CHECK,
    example="### Instruction:\n{instruction}\n\n### Response:\n",
    metrics=METRICS,
    signatures={"bertscore": "minilm|layer:6", "versions": {"torch": "2"}},
    data={"splits": {"train": 21000, "val": 900}, "licenses": {"MIT": 12345, "BSD-3-Clause": 678}},
    augmentation={"paraphrases": 4321, "rejected": {"too_close": 5}},
    training=TRAINING,
    provenance={
        "title": "the Q4_1 form of Model",
        "license": "Apache-2.0",
        "original": "owner/Model",
        "tensors": {"Q4_1": 210},
        "files": {"a": "b"},
    },
)


@pytest.mark.parametrize(
    "line",
    [
        "| `lora.rank` | 13 |",
        "| `lora.target_modules` | ['q_proj', 'a\\|b'] |",
        "| `learning_rate` | 0.00213 |",
        "2,987 rows (451,234 tokens; dropped: 13 too_long) in 374 steps",
        "98,765 parameters, 1.23% of all, in mlp.up_proj",
        "Validation loss 2.5000 before training, 1.7500 at step 350",
        "| BERTScore F1 | 0.5300 | 0.6300 | +0.1000 (+0.0800 to +0.1200) |",
        "| chrF | 31.25 | 41.50 |  |",
        "397 prompts",
        "90% bootstrap interval",
        "| MIT | 12,345 |",
        "| BSD-3-Clause | 678 |",
        "21,000 train, 900 val",
        "paraphrases 4,321",
        "| bertscore | minilm\\|layer:6 |",
        "| `tensors.Q4_1` | 210 |",
        "merged into the Q4_1 form of Model. On 8",
        "8 held-out rows and greedy answers to them (123,456 logits)",
        "by at most 3.2e-06; rounding explains differences of up to 2.5e-05",
        "Of the 512 tokens of these answers none differs",
        "### Instruction:\n{instruction}\n\n### Response:",
    ],
)
def test_what_the_files_say_is_there(line):
    assert line in model_card(FULL)


def test_metrics_without_a_figure_are_left_out():
    assert "BLEU" not in model_card(FULL)


def test_files_that_are_not_there_leave_no_trace():
    card = model_card(CardFacts(params=PARAMS, check=CHECK, example="x"))
    assert re.findall(r"^## .*", card, re.MULTILINE) == ["## Use", "## Training"]
    assert "None" not in card
    assert "base_model" not in card
    assert "license:" not in card


def test_a_base_on_this_machine_is_named_without_its_place():
    params = PARAMS | {"model": {"base": "/home/me/clients/acme/base", "revision": None}}
    card = model_card(CardFacts(params=params, check=CHECK, example="x"))
    assert "# base, tuned\n" in card
    assert "acme" not in card


def test_a_base_of_the_hub_is_named_by_its_id():
    params = PARAMS | {"model": {"base": "owner/Other", "revision": "a" * 40}}
    card = model_card(CardFacts(params=params, check=CHECK, example="x"))
    assert "base_model: owner/Other\n" in card
    assert "# owner/Other, tuned\n" in card


def test_the_front_matter_is_yaml():
    front = model_card(FULL).split("---\n")[1]
    content = YAML(typ="safe", pure=True).load(front)
    assert content["base_model"] == "owner/Model"
    assert content["license"] == "apache-2.0"
    assert content["pipeline_tag"] == "text-generation"


def test_a_prompt_cannot_end_its_block():
    card = model_card(CardFacts(params=PARAMS, check=CHECK, example="```\n# not a heading"))
    assert "````text\n```\n# not a heading\n````" in card
