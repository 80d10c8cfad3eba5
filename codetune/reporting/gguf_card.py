"""The section of the model card on GGUF files: what they are, and how to run them."""

from __future__ import annotations

from typing import Any

from codetune.core.markdown import escaped, fenced, table

Json = dict[str, Any]
_MB = 1e6
_INSTRUCTION = "{instruction}"  # where the example of a prompt has the instruction


def gguf_section(gguf: Json | None, example: str) -> str:
    """Return the section, or an empty text if no GGUF file was asked for.

    :param gguf: the report of the export: `files` and `not_written`.
    :param example: a prompt in the format of the prompt template.
    """
    if gguf is None or not (gguf["files"] or gguf["not_written"]):
        return ""
    parts = ["## GGUF files"]
    if gguf["files"]:
        rows = [[f"`{one['file']}`", f"{one['bytes'] / _MB:,.1f} MB", _content(one)] for one in gguf["files"]]
        parts += [table(["file", "size", "content"], rows), *_commands(gguf["files"], example)]
    parts += [f"Not written: `{one['file']}`, because {escaped(one['reason'])}." for one in gguf["not_written"]]
    return "\n\n".join(parts)


def _content(file: Json) -> str:
    """Say what a file contains, and how far it differs from the model that was measured."""
    if file["content"] == "adapter":
        base = f"`{file['base']}`" if "base" in file else "a GGUF file of the base model"
        return f"the LoRA adapter ({file['type']}), for {base}"
    return (
        f"the merged model ({file['type']}); error of the weights {file['weight_error']:.2%}; "
        f"{file['equal_tokens']} of {file['tokens']} tokens of greedy answers equal"
    )


def _commands(files: list[Json], example: str) -> list[str]:
    """Return how to run the adapter, and the first merged model, with llama.cpp and ollama."""
    parts = []
    adapter, model = (next((one for one in files if one["content"] == kind), None) for kind in ("adapter", "model"))
    if model is not None:
        parts += [
            "The merged model with llama.cpp:",
            fenced(f"llama-server --model {model['file']} --jinja", "bash"),
            "With ollama, which does not use the prompt template of the file; write this as `Modelfile`:",
            fenced(_modelfile(model["file"], example), "text"),
            fenced("ollama create tuned --file Modelfile\nollama run tuned", "bash"),
        ]
    if adapter is not None:
        base = adapter.get("base", "BASE.gguf")
        options = f"--lora {adapter['file']} --jinja --chat-template-file chat_template.jinja"
        parts += [
            "The base model and the adapter with llama.cpp, with the prompt template of the tuned model:",
            fenced(f"llama-server --model {base} {options}", "bash"),
        ]
    return parts


def _modelfile(file: str, example: str) -> str:
    """Return a Modelfile for conversations of one turn, greedy as in the evaluation."""
    prompt = example.replace(_INSTRUCTION, "{{ .Prompt }}")
    return f'FROM ./{file}\nTEMPLATE """{prompt}"""\nPARAMETER temperature 0'
