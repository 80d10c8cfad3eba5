"""The exported forms of the tuned model that llama.cpp runs, and the check that they take the same prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.generation.engines.llama_cpp_client import LlamaCppProcess
from codetune.models.gguf.header import GgufFile, read_gguf
from codetune.models.gguf.tokenizer import end_ids
from codetune.models.gguf_writing.adapter import BASE_DIGEST, TEMPLATE

_REMEDY = "Run `dvc repro --force --single-item export`; if the difference stays, do not use the file."


@dataclass(frozen=True)
class ExportedForm:
    """A form of the tuned model.

    :param name: the name of its file, without suffix.
    :param model: the GGUF file of a whole model: the merged model, or the base model of `adapter`.
    :param adapter: the GGUF file of the adapter; None: the model is the merged one.
    """

    name: str
    model: Path
    adapter: Path | None = None

    @property
    def file(self) -> Path:
        """The file that the export made."""
        return self.adapter or self.model

    @property
    def scales(self) -> list[dict[str, Any]]:
        """The factors of the adapters, for a request to llama.cpp."""
        return [] if self.adapter is None else [{"id": 0, "scale": 1.0}]

    def start(self, context: int, threads: int) -> LlamaCppProcess:
        """Load the form into llama.cpp. One answer is generated at a time, so that none depends on another.

        :param context: largest number of tokens of a prompt with its answer.
        :raises UserError: when llama.cpp cannot load it.
        """
        adapters = [] if self.adapter is None else [self.adapter]
        return LlamaCppProcess(
            self.model, adapters, slots=1, context=context, threads=threads, template=self.template()
        )

    def template(self) -> str:
        """Return the chat template in the file that the export made; empty if there is none."""
        return str(read_gguf(self.file).metadata.get(TEMPLATE) or "")


def find_forms(folder: Path) -> tuple[list[ExportedForm], dict[str, str]]:
    """Find the forms in the folder of the export.

    :param folder: such as models/export/gguf.
    :returns: the forms by name; and for each file that cannot be run, the reason.
    :raises UserError: when there is no form, or a file is damaged.
    """
    forms = [ExportedForm(path.stem, path) for path in sorted(folder.glob("tuned-*.gguf"))]
    unusable: dict[str, str] = {}
    others = [path for path in sorted(folder.glob("*.gguf")) if not path.name.startswith(("tuned-", "adapter-"))]
    for path in sorted(folder.glob("adapter-*.gguf")):
        digest = read_gguf(path).metadata.get(BASE_DIGEST)
        base = next((each for each in others if digest_file(each) == digest), None)
        if base is None:
            unusable[path.stem] = "there is no GGUF file of its base model"
        else:
            forms.append(ExportedForm(path.stem, base, path))
    if not forms:
        raise UserError(
            f"{folder} has no model that llama.cpp can run",
            "Set export.gguf.types to auto, and run `dvc repro export`.",
        )
    return sorted(forms, key=lambda form: form.name), unusable


def check_file(form: ExportedForm, tokenizer: Any, ends: frozenset[int]) -> None:
    """Compare the chat template and the end tokens of a form with those of the measured model.

    :param tokenizer: the tokenizer of the measured model.
    :param ends: the token ids that end its answers.
    :raises UserError: when they differ.
    """
    if form.template() != tokenizer.chat_template:
        raise UserError(f"parity: the chat template of {form.file.name} differs from that of the model", _REMEDY)
    file: GgufFile = read_gguf(form.model)
    found = set(end_ids(file))
    if found != ends:
        differing = [f"{token} ({'more' if token in found else 'missing'})" for token in sorted(found ^ ends)]
        raise UserError(f"parity: other end tokens in {form.model.name}: {', '.join(differing)}", _REMEDY)


def check_prompt(form: ExportedForm, process: LlamaCppProcess, instruction: str, expected: list[int]) -> None:
    """Compare the token ids of a prompt as llama.cpp makes it: with its own template code and its own tokenizer.

    :param process: llama.cpp with the form.
    :param expected: the token ids of the measured prompt.
    :raises UserError: when they differ.
    """
    found = process.prompt_ids([{"role": "user", "content": instruction}])
    if found != expected:
        pairs = enumerate(zip(found, expected, strict=False))
        place = next((at for at, (one, other) in pairs if one != other), min(len(found), len(expected)))
        raise UserError(
            f"parity: llama.cpp makes other token ids of {form.file.name}, first at token {place} of the prompt for "
            f"{instruction[:60]!r}: {found[place : place + 3]}, expected {expected[place : place + 3]}",
            _REMEDY,
        )
