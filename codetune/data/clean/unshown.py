"""Drop rows without an example if the instruction leaves open what the function returns."""

from __future__ import annotations

import ast
import re

from codetune.data.clean.body import returned_expressions
from codetune.data.clean.documentation import Documentation
from codetune.data.clean.reasons import Drop
from codetune.python_source.functions import FunctionNode
from codetune.python_source.self_contained import SelfContained
from codetune.python_source.writing import unparse

_OUTSIDE = re.compile(
    r"\b(open|perf_counter|ContextVar)\(|\b(time\.time|timeit|linecache|os\.environ|os\.getenv|locale|sys\.std(in|out|err))\b"
)
_TEXT_TYPE = re.compile(r"(Optional\[)?(str|bytes|AnyStr)\b(?!\[)")
_TEXT_METHODS_WORDS = """
join format replace strip lstrip rstrip lower upper title capitalize sub encode decode zfill rjust ljust center
translate removeprefix removesuffix expandtabs swapcase
"""
_TEXT_METHODS = frozenset(_TEXT_METHODS_WORDS.split())
_TELLS_SEVERAL = re.compile(r",|\band\b|\b(tuple|pair|triple|both|two|three)\b", re.IGNORECASE)
_ODD_RESULT = re.compile(r"\b(nan|None|NaN)\b|-\s*(math\.|np\.|numpy\.)?inf\b|float\(.-inf")
_TELLS_ODD = re.compile(r"\bnan\b|infin|\binf\b|none|optional|empty|missing|not found|no such", re.IGNORECASE)


def unshown_drop(node: FunctionNode, whole: SelfContained, documentation: Documentation, asked: str) -> Drop | None:
    """Drop a row whose instruction shows no example and does not describe the return value in another way.

    The rules concern code that reads files, streams or the clock, and return values that are texts, several values,
    None, NaN or infinity.

    :param asked: the instruction.
    :returns: the drop, or None.
    """
    if outside := _OUTSIDE.search(whole.code):
        return Drop("reads_the_outside", found=outside[0])
    found = list(returned_expressions(node))
    returns = unparse(node.returns) if node.returns else documentation.returns[0]
    if _TEXT_TYPE.match(returns) or any(map(_is_text, found)):
        return Drop("untold_outcome", found="text")
    several = next((each for each in found if isinstance(each, ast.Tuple) and len(each.elts) > 1), None)
    if several and not _TELLS_SEVERAL.search(documentation.returns[1]):
        return Drop("untold_outcome", found="several values")
    odd = next((match for each in found if (match := _ODD_RESULT.search(unparse(each)))), None)
    return Drop("untold_outcome", found=odd[0]) if odd and not _TELLS_ODD.search(asked) else None


def _is_text(value: ast.expr) -> bool:
    """Return whether an expression gives a string or bytes, judged by its form."""
    match value:
        case ast.JoinedStr() | ast.Call(func=ast.Name(id="str" | "repr" | "bytes" | "chr" | "hex" | "bin")):
            return True
        case ast.Constant(value=str() | bytes() as text):
            return bool(text)
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _TEXT_METHODS
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            return _is_text(left) or _is_text(right)
    return False
