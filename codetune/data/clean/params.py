"""The `clean` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from codetune.core.config import Section


class CleanParams(Section):
    """Filters, splits and their thresholds."""

    section: ClassVar[str] = "clean"
    task: Literal["python", "text"] = Field(
        default="python",
        description="kind of answers in tables. python: code that parses, with the lengths below. text: any text, "
        "without "
        "the checks of code",
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
        description="rows with a key, token or password; redact: a row whose secret cannot be replaced is still dropped"
    )
    personal_data: Literal["drop", "redact", "keep"] = Field(
        description="rows with a mail address, public IP address, phone, card or account number; redact: replaced by a "
        "value of the same form that belongs to nobody"
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
        "example "
        "counts as eight words. With more tokens per word, the description often leaves too much open",
    )
    min_english: float = Field(
        ge=0, le=1, description="smallest share of ASCII letters among the characters of the docstring"
    )
    max_identifiers: float = Field(
        ge=0,
        le=1,
        description="largest share of code among the words of the docstring; a list of names is no description",
    )
    near_duplicate: float = Field(
        gt=0, le=1, description="Jaccard similarity of token 5-grams from which rows are near-duplicates"
    )
    near_duplicate_instruction: float = Field(
        gt=0,
        le=1,
        description="Jaccard similarity of word 3-grams of instructions from which rows with similar code are "
        "duplicates; "
        "with 0.8, and 0.6 for the code, 20 of the 22 rows found in the default data are copies with a changed detail",
    )
    near_duplicate_instruction_code: float = Field(
        gt=0,
        le=1,
        description="Jaccard similarity of token 5-grams of the code that is needed as well, because many functions "
        "share "
        "a docstring and do something else",
    )
    reviews: bool = Field(
        default=True,
        description="use data/reviews.jsonl: complete instructions, drop wrong rows, and skip the rules that guess "
        "whether "
        "a reviewed row can be answered",
    )
    benchmarks: list[str] = Field(
        description="files in the format of HumanEval or MBPP (JSON lines, gzip if named .gz) whose solutions are "
        "removed "
        "from train"
    )
    join_groups: float = Field(
        gt=0, le=1,
        description="share of the candidates of a group that duplicate those of another group (at least ten), from "
        "which "
        "both go to one split, such as a fork and its origin",
    )  # fmt: skip
    test_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in test, in whole groups")
    val_share: float = Field(gt=0, lt=0.5, description="share of the kept rows in val, in whole groups")
    workers: int = Field(ge=0, le=256, description="processes that filter rows; 0: all cores")

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
