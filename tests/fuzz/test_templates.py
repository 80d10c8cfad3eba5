"""Chat templates of any text: usable, or refused in words."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codetune.models.prompt import CHAT_TEMPLATE, check_template, end_id, ensure_template, prompt_ids, set_system
from tests.conftest import tiny_tokenizer
from tests.fuzz.inputs import inputs, no_foreign_exception

_TOKENIZER = tiny_tokenizer()
_PARTS = st.sampled_from([
    "{% for message in messages %}", "{% endfor %}", "{{ message['content'] }}", "{{ message.role }}", "{{ messages[0] }}",
    "{% if add_generation_prompt %}", "{% endif %}", "{% if messages[0]['role'] == 'system' %}", "{% else %}", "<|end|>",
    "{{ eos_token }}", "{{ bos_token }}", "{{ strftime_now('%d') }}", "{{ raise_exception('no') }}", "{{ 1 / 0 }}",
    "{% set x = messages + 1 %}", "{% macro m() %}", "{% include 'x' %}", "{{ ().__class__ }}", "{%", "}}", "{#", "\n", "-",
    "{% generation %}", "{% endgeneration %}", "{{ messages | tojson }}", "{{ range(9) | list }}", CHAT_TEMPLATE,
])  # fmt: skip
_TEMPLATES = st.lists(_PARTS | st.text(max_size=6), max_size=8).map("".join)


@given(
    _TEMPLATES | st.dictionaries(st.sampled_from(["default", "rag", "tool_use"]), _TEMPLATES, max_size=2),
    st.sampled_from(["keep", "none"]) | st.text(min_size=1, max_size=12), st.text(max_size=12),
)  # fmt: skip
@inputs(60)
def test_templates_of_any_text(template: Any, system, instruction):
    _TOKENIZER.chat_template = template
    with no_foreign_exception():
        ensure_template(_TOKENIZER)
        set_system(_TOKENIZER, system, "the model")
        check_template(_TOKENIZER, "the model")
        assert isinstance(end_id(_TOKENIZER), int)
        assert all(isinstance(one, int) for one in prompt_ids(_TOKENIZER, instruction))
