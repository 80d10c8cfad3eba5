"""The `clean` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from codetune.core.config import Section


class CleanParams(Section):
    """Thresholds of the filters; each names where its value comes from."""

    section: ClassVar[str] = "clean"
    task: Literal["python", "text"] = Field(
        default="python",
        description="what the answers of tables are; python: code that parses, of the lengths below; text: anything, "
        "the checks of code are off",
    )
    seed: int = Field(ge=0, description="draws which packages are val and test")
    licenses: Literal["permissive", "any"] | list[str] = Field(
        description="what rows and files may be under: `permissive` (codetune/data/ingest/licenses.py), `any`, or a "
        "list of SPDX identifiers; a file's own header goes before its package's licence"
    )
    unknown_license: Literal["keep", "drop"] = Field(
        description="what to do where nobody names a licence; one's own code mostly has none"
    )
    context: Literal["self_contained", "any"] = Field(
        description="which functions of code become rows; self_contained: those that stand alone with imports, helpers "
        "and constants of their own module, all of it in the answer; any: methods too, and what names the unknown. "
        "Those of held-out sources stand alone always"
    )
    packages: list[str] = Field(
        description="import names of packages that a self-contained answer may use besides the standard library"
    )
    held_out: list[str] = Field(
        description="sources of `ingest` whose rows all go to test; their functions with examples become problems"
    )
    max_package_share: float = Field(
        gt=0, le=1, description="share of train that one package may have; of its rows those with the smallest ids stay"
    )
    secrets: Literal["drop", "redact"] = Field(
        description="rows with a key, token or password; what cannot be blanked is dropped all the same"
    )
    personal_data: Literal["drop", "redact", "keep"] = Field(
        description="rows with a mail address, public IP address, phone, card or account number; redact: a value of "
        "the same form that belongs to nobody takes its place"
    )
    min_code_lines: int = Field(ge=1, description="lines of code without docstring; CodeSearchNet takes 3")
    max_code_lines: int = Field(ge=1, description="lines of code without docstring; longer ones do not fit the context")
    min_tokens: int = Field(
        ge=1, description="lexical tokens; shorter functions are boilerplate and collide as shingles"
    )
    max_tokens: int = Field(ge=1, description="lexical tokens; longer functions do not fit the context")
    min_docstring_words: int = Field(ge=1, description="words of the first paragraph; CodeSearchNet takes 3")
    max_docstring_words: int = Field(ge=1, description="words of the first paragraph; The Vault takes 500")
    max_tokens_per_word: float = Field(
        gt=0,
        description="lexical tokens of a self-contained answer per word that says what it does, takes and gives; "
        "an example counts as eight words. Of functions with more, many do what nobody could guess",
    )
    min_english: float = Field(ge=0, le=1, description="share of ASCII letters among the docstring's characters")
    max_identifiers: float = Field(
        ge=0, le=1, description="share of code among the docstring's words; a list of names describes nothing"
    )
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard of token 5-grams at which rows are near-duplicates")
    near_duplicate_instruction: float = Field(
        gt=0,
        le=1,
        description="Jaccard of word 3-grams of instructions at which rows with similar code are duplicates; at 0.8 "
        "and 0.6 for the code, 20 of the 22 rows of the default data are copies with a detail changed",
    )
    near_duplicate_instruction_code: float = Field(
        gt=0,
        le=1,
        description="Jaccard of token 5-grams that it takes as well: many functions have the docstring of another and "
        "do something else",
    )
    reviews: bool = Field(
        default=True,
        description="whether data/reviews.jsonl counts: what reviewers found missing is put into instructions, what "
        "they found wrong is dropped, and the rules that guess whether a row can be answered pass over what they read",
    )
    benchmarks: list[str] = Field(
        description="files in the format of HumanEval or MBPP (JSON lines, gzip if named .gz); train rows that are one "
        "of their solutions are dropped"
    )
    join_groups: float = Field(
        gt=0, le=1,
        description="share of a group's candidates that duplicate those of another, at least ten, from which both go "
        "to one split: a fork and its origin are one source",
    )  # fmt: skip
    test_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in test, from whole packages")
    val_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in val, from whole packages")
    workers: int = Field(ge=0, le=256, description="processes that filter rows; 0 takes all cores")

    @model_validator(mode="after")
    def _ranges_hold_something(self) -> CleanParams:
        """The same section.

        :raises ValueError: when a least value is above the largest one, so that no row would be left.
        """
        values = self.model_dump()
        ranges = [(f"min_{name}", f"max_{name}") for name in ("code_lines", "tokens", "docstring_words")]
        wrong = [
            f"{low} {values[low]} is above {high} {values[high]}" for low, high in ranges if values[low] > values[high]
        ]
        if wrong:
            raise ValueError(" and ".join(wrong))
        return self

    def must_be_whole(self, source: str) -> bool:
        """Whether rows of a source must be self-contained; held-out ones always, so that their problems stay."""
        return self.context == "self_contained" or source in self.held_out
