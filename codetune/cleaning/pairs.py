"""Keep or drop a row of a table, which has its instruction and its answer already; rows of code are judged as ever."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Any

from codetune.cleaning.filters import Candidate, Drop, judge, length_drop, lexical_tokens, line_count
from codetune.cleaning.params import CleanParams
from codetune.cleaning.renaming import renamed_digest
from codetune.cleaning.secrets import has_secret
from codetune.ingestion.functions import parse_or_reason

_WORD = re.compile(r"\w+|[^\w\s]")
# An answer that is one fenced block and nothing else: the fence is the chat's, not the code's.
_FENCED = re.compile(r"\s*```(?:python|py)?[ \t]*\n(?P<code>.*?)\n?```\s*", re.DOTALL | re.IGNORECASE)


def _judge_code(asked: str, answer: str, params: CleanParams) -> Candidate | Drop:
    fenced = _FENCED.fullmatch(answer)
    completion = fenced["code"].rstrip() if fenced and "```" not in fenced["code"] else answer
    code = textwrap.dedent(completion)
    tree = parse_or_reason(code)
    if isinstance(tree, str):
        return Drop("too_deep" if tree == "too_deep" else "syntax_error")
    tokens = lexical_tokens(code)
    if drop := length_drop(line_count(completion), len(tokens), params):
        return drop
    if has_secret(completion):
        return Drop("secret")
    return Candidate(asked, completion, tokens, ast.dump(tree), renamed_digest(code))


def _judge_text(asked: str, answer: str) -> Candidate | Drop:
    """Text is compared as a pair: two questions may well have the same answer, as two labels or two greetings."""
    if has_secret(answer):
        return Drop("secret")
    pair = f"{asked}\n{answer}"
    return Candidate(asked, answer, tuple(_WORD.findall(pair)), " ".join(pair.casefold().split()))


def judge_row(row: dict[str, Any], params: CleanParams) -> Candidate | Drop:
    """The candidate made from a raw row of either kind, or why it is dropped.

    :param row: a row of data/raw/rows.parquet; its kind `pair` tells that it came from a table.
    """
    try:
        if row["kind"] != "pair":
            return judge(row, params)
        if params.task == "text":
            return _judge_text(row["instruction"], row["completion"])
        return _judge_code(row["instruction"], row["completion"], params)
    except RecursionError:  # it can be parsed, but its tree cannot be walked
        return Drop("too_deep")
