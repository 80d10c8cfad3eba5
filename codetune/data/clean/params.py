"""The `clean` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from codetune.core.config import Section


class CleanParams(Section):
    """Filters and splits with their thresholds."""

    section: ClassVar[str] = "clean"
    task: Literal["python", "text"] = Field(
        default="python",
        description="kind of answers in tables. python: code that can be parsed and has the lengths below. text: any "
        "text; the checks of code are skipped",
    )
    seed: int = Field(ge=0, description="chooses the packages of val and test")
    licenses: Literal["permissive", "any"] | list[str] = Field(
        description="allowed licences of rows and files: `permissive` (codetune/data/ingest/licenses.py), `any`, or a "
        "list of SPDX identifiers; the header of a file takes precedence over the licence of its package"
    )
    unknown_license: Literal["keep", "drop"] = Field(
        description="what to do with rows without a licence; your own code often has none"
    )
    context: Literal["self_contained", "any"] = Field(
        description="functions that become rows. self_contained: only functions that work with imports, helpers and "
        "constants of their own module, all of which are part of the answer. any: also methods and functions that "
        "need their package. Held-out sources are always self-contained"
    )
    packages: list[str] = Field(
        description="import names of packages that a self-contained answer may use besides the standard library"
    )
    held_out: list[str] = Field(
        description="sources of `ingest` whose rows all go to test; their functions with examples become problems"
    )
    max_package_share: float = Field(
        gt=0, le=1, description="largest share of train rows from one package; the rows with the smallest ids stay"
    )
    secrets: Literal["drop", "redact"] = Field(
        description="what to do with rows that contain a key, token or password. redact: replace it, and drop the row "
        "if that is impossible"
    )
    personal_data: Literal["drop", "redact", "keep"] = Field(
        description="what to do with rows that contain a mail address, public IP address, phone, card or account "
        "number. redact: replace it by a value of the same form that belongs to no one"
    )
    min_code_lines: int = Field(
        ge=1, description="smallest number of lines of code without docstring; CodeSearchNet uses 3"
    )
    max_code_lines: int = Field(
        ge=1, description="largest number of lines of code without docstring; longer functions do not fit the context"
    )
    min_tokens: int = Field(
        ge=1,
        description="smallest number of lexical tokens; shorter functions are boilerplate and often look like "
        "duplicates",
    )
    max_tokens: int = Field(
        ge=1, description="largest number of lexical tokens; longer functions do not fit the context"
    )
    min_docstring_words: int = Field(
        ge=1, description="smallest number of words of the first paragraph; CodeSearchNet uses 3"
    )
    max_docstring_words: int = Field(
        ge=1, description="largest number of words of the first paragraph; The Vault uses 500"
    )
    max_tokens_per_word: float = Field(
        gt=0,
        description="largest number of lexical tokens of a self-contained answer per word of its description; an "
        "example counts as eight words. With more tokens per word, the description often leaves too much open",
    )
    min_english: float = Field(
        ge=0, le=1, description="smallest share of ASCII letters among the characters of the docstring"
    )
    max_identifiers: float = Field(
        ge=0,
        le=1,
        description="largest share of code among the words of the docstring; a list of names is not a description",
    )
    near_duplicate: float = Field(
        gt=0, le=1, description="smallest Jaccard similarity of token 5-grams of near-duplicates"
    )
    near_duplicate_instruction: float = Field(
        gt=0,
        le=1,
        description="smallest Jaccard similarity of word 3-grams of the instructions of duplicates with similar code. "
        "With 0.8, and 0.6 for the code, 20 of the 22 rows found in the default data are copies with a changed detail",
    )
    near_duplicate_instruction_code: float = Field(
        gt=0,
        le=1,
        description="smallest Jaccard similarity of token 5-grams of the code of such duplicates; many functions "
        "share a docstring and do different things",
    )
    reviews: bool = Field(
        default=True,
        description="use data/reviews.jsonl: complete instructions, drop wrong rows, and skip the rules that guess "
        "whether a reviewed row can be answered",
    )
    benchmarks: list[str] = Field(
        description="files in the format of HumanEval or MBPP (JSON lines, gzip if named .gz) whose solutions are "
        "removed from train"
    )
    join_groups: float = Field(
        gt=0, le=1,
        description="two groups, such as a fork and its origin, go to one split if at least ten rows are duplicates "
        "between them, and at least this share of the candidates of the smaller group",
    )  # fmt: skip
    test_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in test, in whole groups")
    val_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in val, in whole groups")
    workers: int = Field(ge=0, le=256, description="processes that filter rows; 0: all cores")

    @model_validator(mode="after")
    def _ranges_hold_something(self) -> CleanParams:
        """Return the section unchanged.

        :raises ValueError: if a minimum is above its maximum, so that no row could be kept.
        """
        values = self.model_dump()
        ranges = [(f"min_{name}", f"max_{name}") for name in ("code_lines", "tokens", "docstring_words")]
        wrong = [
            f"{low} {values[low]} is above {high} {values[high]}" for low, high in ranges if values[low] > values[high]
        ]
        if wrong:
            raise ValueError(" and ".join(wrong))
        return self

    def must_be_self_contained(self, source: str) -> bool:
        """Return whether rows of a source must be self-contained.

        Rows of held-out sources always must, so that the problems do not change with `context`.
        """
        return self.context == "self_contained" or source in self.held_out
