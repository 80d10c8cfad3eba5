"""Keep a raw row as a candidate, or drop it with a named reason.

The rules are those of CodeSearchNet (arXiv 1909.09436), The Vault (arXiv 2305.06156) and self-oss-instruct that make
sense for functions; words are matched as words. Checks that are cheap run first.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from dataclasses import dataclass
from typing import Any

from codetune.cleaning.instruction import first_paragraph, instruction
from codetune.cleaning.params import CleanParams
from codetune.cleaning.secrets import has_secret
from codetune.ingestion.functions import FunctionNode, parse

_TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|_tests?|conftest\.py|test_[^/]*|[^/]*_test\.py|benchmarks?|examples?)(/|$)"
)
_VENDORED_PATH = re.compile(
    r"(^|/)(_?vendor(ed)?|_?externals?|_?extern|third_?party|_distutils|contrib/_securetransport)(/|$)"
)
_GENERATED_PATH = re.compile(r"_pb2(_grpc)?\.py$|(^|/)migrations/|(^|/)locale/")
_GENERATED = re.compile(r"\b(auto-?generated|generated (by|from|automatically)|do not edit)\b", re.IGNORECASE)
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\b(deprecated|not implemented|legacy)\b", re.IGNORECASE)
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_MARKUP = re.compile(
    r">>>|^\s*[:@](param|type|return|arg|rtype)|[|]{2}|\.\. |[<>]{2,}|\{\{|^\s*[-=*]{3,}", re.MULTILINE
)
_UNDERSTOOD_DECORATORS = frozenset({"staticmethod", "classmethod", "property"})
_LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)


@dataclass(frozen=True)
class Candidate:
    """A row that passed the filters: the instruction, its answer, and what duplicates are found by."""

    instruction: str
    completion: str
    tokens: tuple[str, ...]
    tree: str


def lexical_tokens(code: str) -> tuple[str, ...]:
    """The lexical tokens of a source without comments and layout."""
    stream = tokenize.generate_tokens(io.StringIO(code).readline)
    return tuple(token.string for token in stream if token.type not in _LAYOUT)


def without_docstring(code: str, node: FunctionNode) -> str | None:
    """`code` without the lines of its docstring, or None when other code shares those lines."""
    docstring = node.body[0]
    lines = code.split("\n")
    start, end = docstring.lineno - 1, docstring.end_lineno or docstring.lineno
    before = lines[start][: docstring.col_offset].strip()
    after = lines[end - 1].encode()[docstring.end_col_offset or 0 :].decode(errors="replace").split("#")[0].strip()
    if before or after:
        return None
    rest = lines[end:]
    while rest and not rest[0].strip():
        rest.pop(0)
    return "\n".join([*lines[:start], *rest]).rstrip()


def place_reason(path: str, qualname: str) -> str | None:
    """Why a row is dropped for where it stands, or None."""
    name = qualname.rpartition(".")[2]
    if _TEST_PATH.search(path) or name.startswith(("test_", "assert_")):
        return "test_code"
    if _VENDORED_PATH.search(path):
        return "vendored"
    if _GENERATED_PATH.search(path):
        return "generated"
    return "dunder" if name.startswith("__") else None


def docstring_reason(docstring: str, params: CleanParams) -> str | None:  # noqa: PLR0911
    """Why a row is dropped for its docstring, or None; only the first paragraph counts."""
    text = first_paragraph(docstring)
    words = text.split()
    if len(words) < params.min_docstring_words:
        return "docstring_too_short"
    if len(words) > params.max_docstring_words:
        return "docstring_too_long"
    if sum(character.isascii() and character.isalpha() for character in text) < params.min_english * sum(
        not character.isspace() and character not in "`.,_()" for character in text
    ):
        return "docstring_not_english"
    if _URL.search(text):
        return "docstring_url"
    if text.endswith("?"):
        return "docstring_question"
    if _MARKUP.search(docstring.strip().split("\n\n")[0]):
        return "docstring_markup"
    return None


def _returns_value(node: FunctionNode) -> bool:
    """Whether the function itself, not one inside it, returns or yields something other than None."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Return) and current.value is not None:
            if not (isinstance(current.value, ast.Constant) and current.value.value in (None, NotImplemented)):
                return True
        elif isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(current, FunctionNode | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(current)
    return False


def code_reason(code: str, node: FunctionNode) -> str | None:
    """Why a row is dropped for what its code says, or None."""
    if any(not isinstance(mark, ast.Name) or mark.id not in _UNDERSTOOD_DECORATORS for mark in node.decorator_list):
        return "decorated"
    if _GENERATED.search(code):
        return "generated"
    if _UNFINISHED.search(code):
        return "unfinished_or_deprecated"
    return None if _returns_value(node) else "returns_nothing"


def length_reason(completion: str, tokens: tuple[str, ...], params: CleanParams) -> str | None:
    """Why a row is dropped for its length, or None."""
    lines = completion.count("\n") + 1
    if lines < params.min_code_lines or len(tokens) < params.min_tokens:
        return "code_too_short"
    return "code_too_long" if lines > params.max_code_lines or len(tokens) > params.max_tokens else None


def judge(row: dict[str, Any], params: CleanParams) -> Candidate | str:  # noqa: PLR0911
    """The candidate made from a raw row, or the reason why it is dropped.

    :param row: `path`, `qualname`, `docstring` and `code` of data/raw/rows.parquet.
    """
    reason = place_reason(row["path"], row["qualname"]) or docstring_reason(row["docstring"], params)
    if reason:
        return reason
    code = textwrap.dedent(row["code"])
    module = parse(code)
    if module is None or len(module.body) != 1 or not isinstance(module.body[0], FunctionNode):
        return "syntax_error"
    node = module.body[0]
    reason = code_reason(code, node)
    if reason:
        return reason
    completion = without_docstring(code, node)
    stripped = None if completion is None else parse(completion)
    if completion is None or stripped is None:
        return "docstring_inseparable"
    tokens = lexical_tokens(completion)
    reason = length_reason(completion, tokens, params)
    if reason:
        return reason
    if has_secret(completion):
        return "secret"
    return Candidate(instruction(node, row["qualname"], row["docstring"]), completion, tokens, ast.dump(stripped))
