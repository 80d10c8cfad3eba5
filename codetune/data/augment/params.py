"""The `augment` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from codetune.core.config import STRICT, Section
from codetune.models.encoders.params import EncoderParams

Method = Literal["phrases", "contextual", "back_translation", "model", "code_to_instruction"]
_REVISION = "^[0-9a-f]{40}$"


class MeaningParams(BaseModel):
    """When a paraphrase counts as meaning the same."""

    model_config = STRICT

    encoder: EncoderParams
    min_similarity: float = Field(
        ge=-1.0,
        le=1.0,
        description="cosine of the sentence embeddings of the two descriptions; below it a paraphrase is rejected. The "
        "shipped value is the one that codetune/data/augment/labelled_pairs.jsonl yields, see meaning.py",
    )
    max_tokens: int = Field(
        ge=16, le=512, description="tokens of a description that are embedded; 96 hold all but one in a thousand"
    )


class LanguageModelParams(BaseModel):
    """A language model on a disk or on the hub; null where it is not used."""

    model_config = STRICT

    model: str | None = Field(
        default=None,
        min_length=1,
        description="a local folder in the shape of a hub snapshot (safetensors), or a hub id; null: none",
    )
    revision: str | None = Field(
        default=None, pattern=_REVISION, description="commit of the hub id, 40 hexadecimal digits; null otherwise"
    )


class ContextualParams(LanguageModelParams):
    """A masked language model that puts other words in the place of words of the description."""

    change_share: float = Field(
        gt=0.0, le=1.0, description="share of the ordinary words of a description that one draw changes, rounded up"
    )
    top_k: int = Field(ge=1, le=1000, description="likeliest words that one is drawn from; more, and more is rejected")


class BackTranslationParams(BaseModel):
    """Two translation models: out of English, and back."""

    model_config = STRICT

    forward: LanguageModelParams
    back: LanguageModelParams
    temperature: float = Field(
        ge=0.0, le=2.0, description="of the draws of the way back; 0: the likeliest translation, the same in every draw"
    )
    max_tokens: int = Field(ge=16, le=1024, description="tokens that a translation may have; longer ones are cut")


class ChatParams(LanguageModelParams):
    """A chat model that says what a function does in other words, or writes that from the code."""

    model: str | None = Field(
        default="smollm2",
        min_length=1,
        description="a model of the catalogue, which comes from the package registry, a local folder, a GGUF file or a "
        "hub id",
    )
    temperature: float = Field(
        ge=0.0, le=2.0, description="of the draws; 0: the likeliest text, the same in every draw"
    )
    max_tokens: int = Field(
        ge=8, le=512, description="tokens that an answer may have; one that goes on is left out and counted"
    )


class AugmentParams(Section):
    """Which rows get paraphrases, how many, made in which way, and how far these go from the original."""

    section: ClassVar[str] = "augment"
    seed: int = Field(ge=0, description="seed of every draw, joined with the row's id; another seed, other paraphrases")
    method: Method = Field(
        description="what makes the paraphrases of train rows: the phrase table, a masked language model, two "
        "translation models, a chat model that rewords (model) or one that describes the code (code_to_instruction); "
        "the test prompts always get the held-out phrases"
    )
    share: float = Field(ge=0.0, le=1.0, description="share of the train rows that get paraphrases; 0 copies the rows")
    per_row: int = Field(ge=1, le=16, description="paraphrases per chosen row; past a few they differ little")
    change_share: float = Field(
        gt=0.0, le=1.0, description="share of the replaceable places of an instruction that one paraphrase changes"
    )
    min_changes: int = Field(
        ge=1, le=16, description="places; a paraphrase that changes fewer is rejected as too near to its parent"
    )
    max_shared_words: float = Field(
        gt=0.0,
        le=1.0,
        description="share of an instruction's words, names left out, that a paraphrase may have in common with it; at "
        "0.85 some three words in twenty are other ones: with fewer it is the same text to a reader",
    )
    max_attempts: int = Field(ge=1, le=64, description="draws per paraphrase before the row is given up, and counted")
    meaning: MeaningParams
    contextual: ContextualParams
    back_translation: BackTranslationParams
    chat: ChatParams
    workers: int = Field(
        ge=0, le=256, description="processes that paraphrase by phrases; 0 takes all cores; changes no byte"
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
