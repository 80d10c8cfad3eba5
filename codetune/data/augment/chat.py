"""Paraphrase with a chat model, which rewords the description of a function or describes its code.

Only the description changes; names, parameters, results and examples stay the same. Answers are written to a journal
as they are made, so that an interrupted run can continue.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from codetune import numerics
from codetune.core.files import JsonObject, digest_bytes, dump_json, stable_seed
from codetune.core.fingerprint import fingerprint
from codetune.core.journal import Journal
from codetune.core.progress import track
from codetune.data.augment.descriptions import opening_end
from codetune.data.augment.params import AugmentParams
from codetune.data.augment.paraphrase import UNFINISHED, Paraphrase, differences
from codetune.models.params import ModelParams

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

REPHRASE = (
    "Say this in other words. Keep every name, number and quoted text as it is. Answer with one or two sentences and "
    "nothing else.\n\n{description}"
)
DESCRIBE = (
    "Say in one or two sentences what this Python function does, as if you asked somebody to write it. Do not show any "
    "code.\n\n```python\n{code}\n```"
)
_PARAGRAPH = "\n\n"
_SENTENCE_START = re.compile(r"(?:(?<=[.!?:]) |\n\n)(?=\S)")


@dataclass(frozen=True)
class InstructionParts:
    """An instruction in three parts: the text before the description, the description, and the text after it."""

    before: str
    description: str
    rest: str

    def saying(self, description: str) -> str:
        """Return the instruction with another description."""
        return f"{self.before}{description}{self.rest}"


def split_instruction(text: str, name: str) -> InstructionParts:
    """Split an instruction that asks for the function `name` into its parts."""
    opening = opening_end(text)
    if opening:
        end = text.find("\n\n", opening)
        end = len(text) if end < 0 else end
        return InstructionParts(text[:opening], text[opening:end].strip(), text[end:])
    named = text.find(f"`{name}")
    starts = [match.start() for match in _SENTENCE_START.finditer(text, 0, max(named, 0) + 1) if match.end() <= named]
    end = starts[-1] if starts else 0
    return InstructionParts("", text[:end], text[end:])


class ChatParaphraser:
    """Returns paraphrases that a chat model has generated in advance.

    :param journals: folder for the journal of answers, and for a model of the catalogue.
    :raises UserError: if the model cannot be loaded; this happens on first use.
    """

    def __init__(self, params: AugmentParams, journals: Path = Path(".cache/augmentation")) -> None:
        self._params = params
        self._journals = journals
        self._drafts: defaultdict[str, deque[Paraphrase]] = defaultdict(deque)

    @cached_property
    def _loaded(self) -> LoadedModel:
        from codetune.models.base import write_base
        from codetune.models.catalogue import CATALOGUE
        from codetune.models.load import load_model

        chat = self._params.chat
        base = str(chat.model)
        if base in CATALOGUE:
            folder = self._journals / base
            write_base(ModelParams(base=base, revision=None, system="none"), folder, Path(".cache/wheels"))
            base = str(folder)
        return load_model(base, revision=chat.revision, system="none")

    def prepare(self, rows: Sequence[JsonObject]) -> None:
        """Generate all drafts of the rows with the model; each draft has its own seed."""
        drafts = self._params.per_row * self._params.max_attempts
        asked = [(row, draft) for row in rows for draft in range(drafts)]
        texts = dict(self._answered(asked))
        for index, (row, _) in enumerate(asked):
            parts = split_instruction(row["instruction"], row["qualname"].rpartition(".")[2])
            if not parts.description:
                draft = Paraphrase(row["instruction"], ())
            elif index not in texts:
                draft = Paraphrase(row["instruction"], (), unchanged="too_long")
            elif (text := texts[index]) is None or (said := one_text(text)) is None:
                draft = Paraphrase(row["instruction"], (), unchanged=UNFINISHED)
            else:
                changed = parts.saying(said)
                words = differences(row["instruction"], changed)
                draft = Paraphrase(changed, words, unchanged="unchanged", compared=(parts.description, said))
            self._drafts[row["instruction"]].append(draft)

    def draw(self, text: str) -> Paraphrase:
        """Return the next draft for an instruction that was prepared."""
        return self._drafts[text].popleft()

    def _answered(self, asked: Sequence[tuple[JsonObject, int]]) -> Iterator[tuple[int, str | None]]:
        """Yield the index and the answer of each question that fits the model's context; None for an unfinished answer.

        Answers from the journal are not generated again.
        """
        from codetune.generation.batch import answer_all
        from codetune.generation.sampling import SamplingSettings, token_chooser
        from codetune.models.prompt import completion_text, prompt_ids

        chat, loaded = self._params.chat, self._loaded
        every = [prompt_ids(loaded.tokenizer, self._question(row)) for row, _ in asked]
        fitting = [place for place, ids in enumerate(every) if len(ids) + chat.max_tokens <= loaded.context]
        journal = Journal(self._journals / f"{self._params.method}.jsonl", self._recipe(every))
        kept = journal.read() or []
        yield from ((row["index"], row["text"] if row["whole"] else None) for row in kept)
        done = {row["index"] for row in kept}
        left = [place for place in fitting if place not in done]
        settings = SamplingSettings(temperature=chat.temperature, max_new_tokens=chat.max_tokens)
        seeds = [stable_seed(self._params.seed, "chat", asked[at][0]["id"], str(asked[at][1])) for at in left]
        finished = answer_all(
            loaded,
            [every[place] for place in left],
            max_new_tokens=chat.max_tokens,
            choosers=[token_chooser(settings, seed) for seed in seeds],
        )
        with journal.writing(kept) as add:
            for place, answer in track(finished, len(left), "paraphrases by a model"):
                text = completion_text(loaded.tokenizer, answer.ids)
                whole = answer.stopped or _PARAGRAPH in text.strip()
                add({"index": left[place], "text": text, "whole": whole})
                yield left[place], text if whole else None

    def _question(self, row: JsonObject) -> str:
        if self._params.method == "code_to_instruction":
            return DESCRIBE.format(code=row["completion"])
        return REPHRASE.format(
            description=split_instruction(row["instruction"], row["qualname"].rpartition(".")[2]).description
        )

    def _recipe(self, prompts: list[list[int]]) -> str:
        """Return a digest of everything that determines the answers."""
        from codetune.models.locate import locate_model, weight_files

        chat = self._params.chat
        weights = weight_files(locate_model(self._loaded.name, chat.revision))
        return fingerprint(
            __name__,
            parameters={"augment.seed": self._params.seed, "augment.chat": chat.model_dump()},
            inputs={
                **{path.name: path for path in weights},
                "type of the weights": self._loaded.dtype,
                "prompts": digest_bytes(dump_json(prompts).encode()),
            },
            numerics=numerics.fixed(),
        ).digest


def one_text(answer: str) -> str | None:
    """Return the first paragraph of a model's answer on one line, without enclosing quotes.

    :returns: the text; None if the paragraph ends with a colon, because then it only announces the next one.
    """
    first = " ".join(answer.strip().partition(_PARAGRAPH)[0].split()).strip('"\u201c\u201d')
    if first.endswith(":"):
        return None
    return first if not first or first.endswith((".", "!", "?")) else f"{first}."
