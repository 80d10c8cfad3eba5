"""The `clean` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from codetune.config import Section


class CleanParams(Section):
    """Thresholds of the filters; each names where its value comes from."""

    section: ClassVar[str] = "clean"
    task: Literal["python", "text"] = Field(
        default="python",
        description="what the answers of tables are; python: code that parses, of the lengths below; text: anything, "
        "the checks of code are off",
    )
    seed: int = Field(ge=0, description="draws which packages are val and test")
    min_code_lines: int = Field(ge=1, description="lines of code without docstring; CodeSearchNet takes 3")
    max_code_lines: int = Field(ge=1, description="lines of code without docstring; longer ones do not fit the context")
    min_tokens: int = Field(
        ge=1, description="lexical tokens; shorter functions are boilerplate and collide as shingles"
    )
    max_tokens: int = Field(ge=1, description="lexical tokens; longer functions do not fit the context")
    min_docstring_words: int = Field(ge=1, description="words of the first paragraph; CodeSearchNet takes 3")
    max_docstring_words: int = Field(ge=1, description="words of the first paragraph; The Vault takes 500")
    min_english: float = Field(ge=0, le=1, description="share of ASCII letters among the docstring's characters")
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard of token 5-grams at which rows are near-duplicates")
    test_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in test, from whole packages")
    val_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in val, from whole packages")
    workers: int = Field(ge=0, le=256, description="processes that filter rows; 0 takes all cores")
