"""The section of the model card on GGUF files: what they are, and how to run them."""

from __future__ import annotations

from typing import Any

from codetune.core.markdown import escaped, table

Json = dict[str, Any]
_MB = 1e6


def gguf_section(gguf: Json | None) -> str:
    """Return the section, or an empty text if no GGUF file was asked for.

    :param gguf: the report of the export: `files` and `not_written`.
    """
    if gguf is None or not (gguf["files"] or gguf["not_written"]):
        return ""
    parts = ["## GGUF files"]
    if gguf["files"]:
        rows = [[f"`{one['file']}`", f"{one['bytes'] / _MB:,.1f} MB", _content(one)] for one in gguf["files"]]
        parts += [table(["file", "size", "content"], rows), *map(_commands, gguf["files"])]
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


def _commands(file: Json) -> str:
    """Return how to run a file with llama.cpp and ollama."""
    if file["content"] == "model":
        return (
            f"Run `{file['file']}` with llama.cpp:\n\n```bash\nllama-server --model {file['file']} --jinja\n```\n\n"
            f"With ollama, write a file `Modelfile` with the line `FROM ./{file['file']}`, then:\n\n"
            "```bash\nollama create tuned --file Modelfile\nollama run tuned\n```"
        )
    base = file.get("base", "BASE.gguf")
    return (
        f"Run the base model with the adapter beside it with llama.cpp; the prompt template is that of the tuned model:"
        f"\n\n```bash\nllama-server --model {base} --lora {file['file']} --jinja "
        "--chat-template-file chat_template.jinja\n```"
    )
