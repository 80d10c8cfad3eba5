"""The card lists the GGUF files with their figures, and commands that name them."""

import pytest

from codetune.export.ollama import OllamaPrompt
from codetune.reporting.gguf_card import gguf_section

MODEL = {
    "file": "gguf/tuned-q8_0.gguf", "bytes": 144_811_552, "content": "model", "type": "q8_0", "weight_error": 0.00512,
    "tokens": 264, "equal_tokens": 261,
}  # fmt: skip
ADAPTER = {
    "file": "gguf/adapter-f16.gguf",
    "bytes": 9_804_000,
    "content": "adapter",
    "type": "f16",
    "base": "gguf/b.gguf",
}
LEFT_OUT = {"file": "gguf/tuned-q8_0.gguf", "reason": "the family mamba | x cannot be converted"}
PROMPT = OllamaPrompt("", None, "<|user|>", "<|end|>\n", None, ("<|end|>",))


def test_files_are_listed_with_their_figures_and_commands():
    text = gguf_section({"files": [ADAPTER, MODEL], "not_written": []}, PROMPT)
    for line in (
        "| `gguf/adapter-f16.gguf` | 9.8 MB | the LoRA adapter (f16), for `gguf/b.gguf` |",
        "| `gguf/tuned-q8_0.gguf` | 144.8 MB | the merged model (q8_0); error of the weights 0.51%; 261 of 264 tokens",
        "llama-server --model gguf/tuned-q8_0.gguf --jinja",
        "llama-server --model gguf/b.gguf --lora gguf/adapter-f16.gguf --jinja --chat-template-file chat_template.jinja",
        'FROM ./gguf/tuned-q8_0.gguf\nTEMPLATE """<|user|>{{ .Prompt }}<|end|>\n"""\nPARAMETER stop "<|end|>"',
    ):
        assert line in text


def test_a_file_that_is_not_there_is_explained_and_has_no_command():
    text = gguf_section({"files": [], "not_written": [LEFT_OUT]}, PROMPT)
    assert "Not written: `gguf/tuned-q8_0.gguf`, because the family mamba \\| x cannot be converted." in text
    assert "llama-server" not in text


@pytest.mark.parametrize("gguf", [None, {"files": [], "not_written": []}])
def test_nothing_asked_for_is_not_mentioned(gguf):
    assert gguf_section(gguf, PROMPT) == ""


def test_a_template_that_no_modelfile_can_hold_is_explained():
    text = gguf_section({"files": [MODEL], "not_written": []}, OllamaPrompt("", None, '"""', "", None, ()))
    assert "Without a Modelfile for ollama: the prompt template" in text
    assert "llama-server" in text
