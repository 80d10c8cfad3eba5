"""The Modelfile of ollama gives the prompts that training and evaluation used."""

import re

import pytest

from codetune.export.ollama import OllamaPrompt, modelfile, ollama_prompt
from codetune.models.load import load_tokenizer
from codetune.models.prompt import conversation_ids, set_system
from tests.conftest import SYSTEM, one_line
from tests.support.chat_templates import DATED, DEEPSEEK, GEMMA, LLAMA2, QWEN, SMOLLM

TURNS = ["Write f.", "def f(): ...", "Write g."]
ROLES = ("user", "assistant", "user")
ENDS = re.compile(r"<\|im_end\|>|<\|EOT\|>|<end_of_turn>|<\|eot\|>")


def use(tokenizer, template):
    """Give the tokenizer a chat template, with its own end token in place of the one of that family."""
    if template:
        tokenizer.chat_template = ENDS.sub(tokenizer.eos_token, template)


def shown(tokenizer, turns, system=""):
    messages = [{"role": role, "content": turn} for role, turn in zip(ROLES, turns, strict=False)]
    messages = [{"role": "system", "content": system}, *messages] if system else messages
    return tokenizer.decode(conversation_ids(tokenizer, messages), skip_special_tokens=False)


def execute(template, turns, system):
    """Execute a template as ollama does: once per turn, and in the last turn without what follows `.Response`.

    Written after `Template.Execute` of ollama; only the actions that codetune writes are known.
    """
    text, prompt = "", ""
    rounds = [(turns[at], turns[at + 1] if at + 1 < len(turns) else None) for at in range(0, len(turns), 2)]
    for prompt, response in rounds:
        part = template if response is not None else template.partition("{{ .Response }}")[0]
        part = re.sub(r"\{\{ if \.System \}\}(.*?)\{\{ end \}\}", r"\1" if system else "", part, flags=re.DOTALL)
        values = {".System": system, ".Prompt": prompt, ".Response": response, '"{{"': "{{"}
        text += re.sub(r"\{\{ (.*?) \}\}", lambda action: values[action[1]], part)  # noqa: B023 - used at once
        system = ""
    return text


@pytest.mark.parametrize("template", [None, SMOLLM, QWEN, DEEPSEEK, GEMMA, LLAMA2, DATED])
@pytest.mark.parametrize("turns", [TURNS[:1], TURNS])
def test_the_prompt_is_that_of_the_evaluation(tokenizer, template, turns):
    use(tokenizer, template)
    prompt = ollama_prompt(tokenizer, [tokenizer.eos_token_id])
    if prompt.end is None:
        assert template in {DATED, DEEPSEEK}  # a preamble of its own, and another text before the answer of a past turn
        turns = turns[:1]
    assert execute(prompt.template(), turns, prompt.system) == shown(tokenizer, turns)
    assert prompt.render(turns) == shown(tokenizer, turns)


@pytest.mark.parametrize("template", [None, SMOLLM, QWEN])
def test_another_system_text_takes_the_place_of_the_stored_one(tokenizer, template):
    use(tokenizer, template)
    prompt = ollama_prompt(tokenizer, [tokenizer.eos_token_id])
    assert execute(prompt.template(), TURNS, "Be brief.") == shown(tokenizer, TURNS, "Be brief.")


@pytest.mark.parametrize(("system", "stored"), [("keep", SYSTEM), ("none", ""), ("Write Python.", "Write Python.")])
def test_the_system_text_is_the_one_of_the_project(tiny_instruct, system, stored):
    tokenizer = load_tokenizer(tiny_instruct)
    set_system(tokenizer, system, "tiny")
    prompt = ollama_prompt(tokenizer, [tokenizer.eos_token_id])
    assert prompt.system == stored
    assert (f'SYSTEM """{stored}"""' in modelfile("m.gguf", prompt)) == bool(stored)
    assert execute(prompt.template(), TURNS, stored) == shown(tokenizer, TURNS)


def test_a_token_that_every_program_puts_first_is_left_out(tokenizer):
    from tokenizers.processors import TemplateProcessing

    end = tokenizer.eos_token
    tokenizer.bos_token = end
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{end} $A", special_tokens=[(end, tokenizer.eos_token_id)]
    )
    tokenizer.chat_template = "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}\n{% endfor %}"
    assert ollama_prompt(tokenizer, [tokenizer.eos_token_id]).template().startswith("<user>{{ .Prompt }}")


def test_a_modelfile_names_files_and_the_settings_of_the_evaluation():
    prompt = OllamaPrompt("S", ("[", "]"), "<{{", ">", "</s>\n", ("</s>", "\n"))
    assert modelfile("base.gguf", prompt, adapter="adapter.gguf", license_name="mit") == (
        "FROM ./base.gguf\nADAPTER ./adapter.gguf\n"
        'TEMPLATE """{{ if .System }}[{{ .System }}]{{ end }}<{{ "{{" }}{{ .Prompt }}>{{ .Response }}</s>\n"""\n'
        'SYSTEM """S"""\nPARAMETER stop "</s>"\nPARAMETER temperature 0\nPARAMETER repeat_penalty 1\nLICENSE """mit"""\n'
    )
    assert execute(prompt.template(), ["a"], "S") == prompt.render(["a"]) == "[S]<{{a>"


def test_a_text_that_would_end_the_template_is_refused():
    with one_line('contains """, which a Modelfile cannot hold'):
        modelfile("m.gguf", OllamaPrompt('"""', ("", ""), "", "", "", ()))
