"""The section of the model card on GGUF files: what they are, and how to run them."""

from __future__ import annotations

from typing import Any

from codetune.core.errors import UserError
from codetune.core.markdown import escaped, fenced, table
from codetune.export.ollama import OllamaPrompt, modelfile

Json = dict[str, Any]
_MB = 1e6


def gguf_section(gguf: Json | None, prompt: OllamaPrompt | None, license_name: str | None = None) -> str:
    """Return the section, or an empty text if no GGUF file was asked for.

    :param gguf: the report of the export: `files` and `not_written`.
    :param prompt: the prompt template in ollama's form; None leaves the Modelfile out.
    :param license_name: the licence of the base model, for the Modelfile.
    """
    if gguf is None or not (gguf["files"] or gguf["not_written"]):
        return ""
    parts = ["## GGUF files"]
    if gguf["files"]:
        rows = [[f"`{one['file']}`", f"{one['bytes'] / _MB:,.1f} MB", _content(one)] for one in gguf["files"]]
        parts += [table(["file", "size", "content"], rows), *_commands(gguf["files"], prompt, license_name)]
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


def _commands(files: list[Json], prompt: OllamaPrompt | None, license_name: str | None) -> list[str]:
    """Return how to run the adapter, and the first merged model, with llama.cpp and ollama."""
    parts = []
    adapter, model = (next((one for one in files if one["content"] == kind), None) for kind in ("adapter", "model"))
    if model is not None:
        parts += [
            "The merged model with llama.cpp:",
            fenced(f"llama-server --model {model['file']} --jinja", "bash"),
        ]
    if model is not None and prompt is not None:
        parts += _ollama(model["file"], prompt, license_name)
    if adapter is not None:
        base = adapter.get("base", "BASE.gguf")
        options = f"--lora {adapter['file']} --jinja --chat-template-file chat_template.jinja"
        parts += [
            "The base model and the adapter with llama.cpp, with the prompt template of the tuned model:",
            fenced(f"llama-server --model {base} {options}", "bash"),
        ]
    return parts


def _ollama(file: str, prompt: OllamaPrompt, license_name: str | None) -> list[str]:
    try:
        text = modelfile(file, prompt, license_name=license_name).rstrip("\n")
    except UserError as error:
        return [f"Without a Modelfile for ollama: {escaped(error.what)}."]
    return [
        "With ollama, which does not use the prompt template of the file; write this as `Modelfile`:",
        fenced(text, "text"),
        fenced("ollama create tuned --file Modelfile\nollama run tuned", "bash"),
    ]
