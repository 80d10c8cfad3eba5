"""Keep a raw row as a candidate, or drop it with a named reason.

The rules are those of CodeSearchNet (arXiv 1909.09436), The Vault (arXiv 2305.06156) and self-oss-instruct that make
sense for functions. Keywords match whole words only. Cheap checks run first.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from codetune.core.files import stable_seed
from codetune.data.clean.answerable import foreign_drop, packages_of, read_module, self_contained_function
from codetune.data.clean.body import is_generator, returned_expressions
from codetune.data.clean.documentation import Documentation, is_vague, read_documentation, words_told
from codetune.data.clean.examples import read_examples, shown_count, shown_examples
from codetune.data.clean.fingerprint import Fingerprint, fingerprint
from codetune.data.clean.instruction import first_paragraph, instruction, parameters, wording
from codetune.data.clean.params import CleanParams
from codetune.data.clean.problems import examples_to_try
from codetune.data.clean.reasons import Drop
from codetune.data.clean.request import RequiredParts, contains_code, request, shows_example
from codetune.data.clean.unshown import unshown_drop
from codetune.data.clean.untold import own_errors, untold_class, untold_parameter, untold_value
from codetune.python_source.docstrings import without_docstring
from codetune.python_source.functions import FunctionNode, parse
from codetune.python_source.indentation import dedented
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.self_contained import SelfContained
from codetune.python_source.tokens import lexical_tokens
from codetune.python_source.tree import dump_tree, parse_tree
from codetune.python_source.writing import unparse
from codetune.schemas.reviews import Review

_TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|_tests?|conftest\.py|test_[^/]*|[^/]*_test\.py|benchmarks?|examples?)(/|$)"
)
_TEST_NAME = re.compile(r"test_|assert_")
_VENDORED_PATH = re.compile(
    r"(^|/)(_?vendor(ed)?|_?externals?|_?extern|third_?party|_distutils|contrib/_securetransport)(/|$)"
)
_GENERATED_PATH = re.compile(r"_pb2(_grpc)?\.py$|(^|/)migrations/|(^|/)locale/")
_GENERATED = re.compile(r"\b(auto-?generated|generated (by|from|automatically)|do not edit)\b", re.IGNORECASE)
_GENERATED_FILE = re.compile(rf"^#.*{_GENERATED.pattern}", re.IGNORECASE | re.MULTILINE)
_HEADER_CHARS = 1000
# One example counts as this many words of description.
_WORDS_OF_EXAMPLE = 8
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\b(deprecated|not implemented|legacy)\b", re.IGNORECASE)
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_MARKUP = re.compile(
    r">>>|^\s*[:@](param|type|return|arg|rtype)|[|]{2}|\.\. |[<>]{2,}|\{\{|\\[a-z]{3,}|^\s*[-=*]{3,}", re.MULTILINE
)
# Code rather than a word: in backquotes, or with an underscore, a call, a dot or a capital letter inside.
_IDENTIFIER = re.compile(r"`|\w_\w|\w\(|\w\.\w|[a-z][A-Z]")
_UNDERSTOOD_DECORATORS = frozenset({"staticmethod", "classmethod", "property"})
# Enough to recognise the matched text; the ledger also has the path and lines of the row.
_FOUND_CHARS = 60


def line_count(code: str) -> int:
    """Count the lines of a source that does not end in a newline."""
    return code.count("\n") + 1


@dataclass(frozen=True)
class Candidate:
    """A row that passed the filters: instruction, completion, and the fingerprint that finds its duplicates.

    :param code_tokens: number of lexical tokens of the completion.
    :param examples: for a held-out function, the setup and examples that test answers, or the reason why it has none.
    """

    instruction: str
    completion: str
    code_tokens: int
    fingerprint: Fingerprint
    examples: dict[str, Any] | str = ""


def _matched(reason: str, match: re.Match[str] | None) -> Drop | None:
    """Return a drop with the text that a rule matched, or None if it matched nothing."""
    return Drop(reason, found=" ".join(match[0].split())[:_FOUND_CHARS]) if match else None


def place_drop(path: str, qualname: str) -> Drop | None:
    """Drop test, vendored, generated and special (dunder) code, judged by path and name.

    :returns: the drop, or None.
    """
    name = qualname.rpartition(".")[2]
    if test := _matched("test_code", _TEST_PATH.search(path) or _TEST_NAME.match(name)):
        return test
    rest = _matched("vendored", _VENDORED_PATH.search(path)) or _matched("generated", _GENERATED_PATH.search(path))
    return rest or (Drop("dunder", found=name) if name.startswith("__") else None)


def _english_drop(text: str, least: float) -> Drop | None:
    letters = sum(character.isascii() and character.isalpha() for character in text)
    counted = sum(not character.isspace() and character not in "`.,_()" for character in text)
    if letters < least * counted:
        # Round down, so that a share just below the threshold is not shown as equal to it.
        return Drop("docstring_not_english", "english_share", math.floor(letters / counted * 1e4) / 1e4, least)
    return None


def _identifiers_drop(text: str, most: float) -> Drop | None:
    words = text.split()
    share = sum(bool(_IDENTIFIER.search(word)) for word in words) / len(words)
    return Drop("docstring_of_identifiers", "identifier_share", round(share, 4), most) if share > most else None


def docstring_drop(docstring: str, params: CleanParams) -> Drop | None:
    """Drop a row whose docstring has an unsuitable first paragraph: its length, language, links, markup or form.

    :returns: the drop, or None.
    """
    text = first_paragraph(docstring)
    words = len(text.split())
    if words < params.min_docstring_words:
        return Drop("docstring_too_short", "docstring_words", words, params.min_docstring_words)
    if words > params.max_docstring_words:
        return Drop("docstring_too_long", "docstring_words", words, params.max_docstring_words)
    return (
        _english_drop(text, params.min_english)
        or _identifiers_drop(text, params.max_identifiers)
        or _matched("docstring_url", _URL.search(text))
        or (Drop("docstring_question") if text.endswith("?") else None)
        or _matched("docstring_markup", _MARKUP.search(docstring.strip().split("\n\n")[0]))
    )


def _returns_value(node: FunctionNode) -> bool:
    """Return whether the function itself, not one inside it, has a return or yield statement with a useful value."""
    nothing = (None, NotImplemented)
    return is_generator(node) or any(
        not (isinstance(value, ast.Constant) and value.value in nothing) for value in returned_expressions(node)
    )


def _takes_argument(node: FunctionNode) -> bool:
    """Return whether the function has a parameter; `self` and `cls` count, because an object is an argument too."""
    arguments = node.args
    return bool(arguments.posonlyargs or arguments.args or arguments.kwonlyargs or arguments.vararg or arguments.kwarg)


def code_drop(code: str, node: FunctionNode) -> Drop | None:
    """Drop decorated, generated or unfinished code, and functions without arguments or return value.

    :param code: source of the function.
    :param node: syntax tree of the same function.
    :returns: the drop, or None.
    """
    for mark in node.decorator_list:
        if not isinstance(mark, ast.Name) or mark.id not in _UNDERSTOOD_DECORATORS:
            return Drop("decorated", found=f"@{unparse(mark)}"[:_FOUND_CHARS])
    return (
        _matched("generated", _GENERATED.search(code))
        or _matched("unfinished_or_deprecated", _UNFINISHED.search(code))
        or (None if _takes_argument(node) else Drop("takes_nothing"))
        or (None if _returns_value(node) else Drop("returns_nothing"))
    )


def length_drop(lines: int, tokens: int, params: CleanParams) -> Drop | None:
    """Drop a row whose code is too short or too long.

    :param lines: lines of code without the docstring.
    :param tokens: lexical tokens of code without the docstring.
    :returns: the drop, or None.
    """
    if lines < params.min_code_lines:
        return Drop("code_too_short", "code_lines", lines, params.min_code_lines)
    if tokens < params.min_tokens:
        return Drop("code_too_short", "code_tokens", tokens, params.min_tokens)
    if lines > params.max_code_lines:
        return Drop("code_too_long", "code_lines", lines, params.max_code_lines)
    return Drop("code_too_long", "code_tokens", tokens, params.max_tokens) if tokens > params.max_tokens else None


def completed(said: str, review: Review | None) -> str:
    """Return a description with the text that a reviewer added to it, if the review adds one."""
    return f"{said} {review['text']}".strip() if review and review["verdict"] == "complete" else said


def judge(row: dict[str, Any], params: CleanParams, text: str = "", review: Review | None = None) -> Candidate | Drop:
    """Make a candidate from a raw row, or drop the row.

    :param row: a row of data/raw/rows.parquet whose kind is not `pair`.
    :param text: the file that contains the function; needed only if rows of its source must be self-contained.
    :param review: the result of a reviewer who read the row; it replaces the rules that guess if it can be answered.
    :returns: the candidate, or the drop with its reason.
    :raises RecursionError: if the syntax tree is too deep.
    """
    drop = place_drop(row["path"], row["qualname"]) or docstring_drop(row["docstring"], params)
    if drop:
        return drop
    code = dedented(row["code"])
    module = parse(code)
    if module is None or len(module.body) != 1 or not isinstance(module.body[0], FunctionNode):
        return Drop("syntax_error")
    node = module.body[0]
    drop = code_drop(code, node)
    if drop:
        return drop
    if params.must_be_self_contained(row["source"]):
        return _judge_whole(row, params, text, review)
    completion = without_docstring(code, node)
    if completion is None or parse(completion) is None:
        return Drop("docstring_inseparable")
    asked = completed(instruction(node, row["qualname"], row["docstring"]), review)
    return _measured(row, node, completion, asked, params)


def _judge_whole(row: dict[str, Any], params: CleanParams, text: str, review: Review | None) -> Candidate | Drop:
    """Make a candidate from a function and the code of its module that it needs, or drop the row."""
    if row["kind"] == "method" or row["qualname"].startswith("_"):
        return Drop("method") if row["kind"] == "method" else Drop("private", found=row["qualname"])
    module = read_module(text, tuple(params.packages))
    generated = _matched("generated", _GENERATED_FILE.search(text[:_HEADER_CHARS]))
    whole = generated or (self_contained_function(row, module) if module else Drop("module_unreadable"))
    if isinstance(whole, Drop):
        return whole
    assert module is not None  # noqa: S101
    node = parse_tree(whole.function).body[0]
    assert isinstance(node, FunctionNode)  # noqa: S101
    made_a_method = not parameters(node) or (node.args.args[:1] and node.args.args[0].arg in ("self", "cls"))
    documentation = read_documentation(row["docstring"])
    drop = Drop("method") if made_a_method else None
    if not review:
        drop = drop or _unanswerable_drop(node, whole, row["docstring"], documentation, params)
    if drop:
        return drop
    documentation = replace(documentation, details=completed(documentation.details, review))
    held_out = row["source"] in params.held_out
    examples = read_examples(row["docstring"], node.name, module)
    shown = shown_examples(examples, shown_count(examples.deciding, held_out=held_out))
    needed = RequiredParts(own_errors(whole), packages_of(whole))
    asked = request(stable_seed(params.seed, "request", row["id"]), node, documentation, shown, needed)
    drop = Drop("instruction_tells_code") if contains_code(asked, whole.function) else None
    if not review:
        drop = drop or _untold_drop(node, whole, documentation, asked)
    if drop:
        return drop
    candidate = _measured(row, node, whole.code, asked, params)
    if isinstance(candidate, Drop) or not held_out:
        return candidate
    return replace(candidate, examples=examples_to_try(examples, shown, asked, whole.code))


def _untold_drop(node: FunctionNode, whole: SelfContained, documentation: Documentation, asked: str) -> Drop | None:
    """Drop a row whose instruction says too little about its answer."""
    if untold := untold_class(whole, asked):
        return Drop("untold_class", found=untold)
    if value := untold_value(node, whole, asked):
        return Drop("untold_value", found=value[:_FOUND_CHARS])
    return None if shows_example(asked) else unshown_drop(node, whole, documentation, asked)


def _unanswerable_drop(
    node: FunctionNode, whole: SelfContained, docstring: str, documentation: Documentation, params: CleanParams
) -> Drop | None:
    """Drop a row whose docstring does not say what the function does, and on which objects."""
    few = len(documentation.summary.split()) < params.min_docstring_words
    if few or is_vague(documentation.summary):
        return Drop("docstring_vague")
    words = words_told(documentation) + _WORDS_OF_EXAMPLE * min(2, docstring.count(">>> "))
    tokens = len(lexical_tokens(whole.code))
    if tokens > params.max_tokens_per_word * words:
        return Drop("docstring_too_brief", "tokens_per_word", round(tokens / words, 1), params.max_tokens_per_word)
    if untold := untold_parameter(node, documentation, docstring):
        return Drop("untold_parameter", found=untold)
    return foreign_drop(node, whole, docstring)


def _measured(
    row: dict[str, Any],
    node: FunctionNode,
    completion: str,
    asked: str,
    params: CleanParams,
) -> Candidate | Drop:
    """Make the candidate if its code has an allowed length.

    :raises RecursionError: if the syntax tree is too deep for `dump_tree`.
    """
    tokens = lexical_tokens(completion)
    drop = length_drop(line_count(completion), len(tokens), params)
    if drop:
        return drop
    said = wording(node, row["qualname"], row["docstring"])
    tree = dump_tree(parse_tree(completion))
    marks = fingerprint(tree, renamed_digest(completion), asked, tokens, said, function_digests(completion))
    return Candidate(asked, completion, len(tokens), marks)
