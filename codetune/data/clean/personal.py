"""Find and replace personal data in code.

Patterns find the data, and a checksum, a range or the form of a real address confirms it. Names of people are not
searched, because no rule tells them from names of things. Values that belong to no one (example.org, private networks,
fictional phone numbers) are not personal data.
"""

from __future__ import annotations

import ast
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from publicsuffixlist import PublicSuffixList

_NOBODY = re.compile(
    r"(a|b|x|me|you|foo|bar|name|user(name)?|email|mail|test(er)?|someone|nobody|no-?reply|admin|info|git|root)\d*|your.*"
    r"|(jane|john)[._]?doe",
    re.IGNORECASE,
)
# Second-level domains of examples in documentation; the last four are names of algorithms and operands of products.
_NOWHERE_WORDS = """
acme bar company domain email example foo host invalid localhost mycompany mydomain server site test yourcompany
yourdomain libssh openssh cls self
"""
_NOWHERE = frozenset(_NOWHERE_WORDS.split())
# The part of a string before the last character of a format, as in `"%s@engines.org"`.
_IN_FORMAT = re.compile(r"%(\(\w*\))?[-#0 +]*\d*(\.\d+)?$")
# The part of a URL before a password or mailbox, as in `https://user:` and `ssh://`.
_IN_URL = re.compile(r"://[^\s/\"'<>]*$")
_DISTINCT = 4
_OPERAND = 2  # a name of at most this many letters is taken for a matrix, not for a mailbox


@dataclass(frozen=True)
class _Rule:
    """A rule for one kind of personal data.

    :param parts: matches the parts of a text that are searched; searching only lines with a typical sign is faster.
    :param pattern: matches possible data in such a part.
    :param holds: decides whether a match is real.
    :param blank: the replacement, a value of the same form that belongs to no one.
    """

    kind: str
    parts: re.Pattern[str]
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool]
    blank: str


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def _is_address(match: re.Match[str]) -> bool:
    """Return whether the address can be real: its domain is registered under a public suffix and is not an example."""
    own = _suffixes().privatesuffix(match["domain"].lower())
    if own is None or own.split(".")[0] in _NOWHERE or _NOBODY.fullmatch(match["local"]):
        return False
    before = match.string[: match.start()]
    return not _IN_URL.search(before) and not _IN_FORMAT.search(before) and not _is_product(match)


def _is_product(match: re.Match[str]) -> bool:
    """Return whether the line is code that multiplies matrices, as `return x@model.it`, and not text or a comment."""
    if not match["local"].isidentifier():
        return False
    line = match.string.strip().replace("elif ", "if ", 1)
    try:
        statements = ast.parse(line.removeprefix(">>> ") + (" pass" if line.endswith(":") else "")).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    if not any(isinstance(node, ast.MatMult) for each in statements for node in ast.walk(each)):
        return False
    # `mail = ada@engines.org`, `Author: ada@engines.org` and the address alone can also be parsed as code.
    [first, *_] = statements
    text = isinstance(first, ast.Assign | ast.AnnAssign) or (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.BinOp) and not line.startswith(">>> ")
    )
    return not text or len(match["local"]) <= _OPERAND


def _is_public(match: re.Match[str]) -> bool:
    """Return whether it is a public IP address, and neither a version number nor a known service such as 8.8.8.8."""
    parts = match[0].split(".")
    if sum(len(part) > 1 for part in parts) < 2:  # noqa: PLR2004
        return False
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return False
    return address.is_global and len({*parts}) == _DISTINCT


def _passes_luhn(match: re.Match[str]) -> bool:
    """Return whether a card number passes the check of ISO/IEC 7812.

    Numbers with few different digits, such as 4111 1111 …, are test numbers and do not pass.
    """
    digits = [int(digit) for digit in match[0] if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return len({*digits}) > _DISTINCT and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _passes_mod_97(match: re.Match[str]) -> bool:
    """Return whether an account number passes the check of ISO 13616."""
    text = match[0].replace(" ", "")
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def _is_phone(match: re.Match[str]) -> bool:
    """Return whether a number has 10 to 15 digits (ITU-T E.164) and no 555, which is reserved for fictional numbers."""
    digits = re.sub(r"\D", "", match[0])
    return 10 <= len(digits) <= 15 and "555" not in digits and "12345" not in digits  # noqa: PLR2004


_WHOLE = re.compile(r"(?s).+")


def _lines_with(sign: str) -> re.Pattern[str]:
    return re.compile(rf"^.*{sign}.*$", re.MULTILINE)


# Each pattern begins with a character class and has its look-behind after it: this is several times as fast.
_RULES = (
    _Rule(
        "email", _lines_with("@"),
        re.compile(
            # It can begin after an escape sequence (`\n`, `\xe9`), but not inside of one.
            r"(?:(?<![\w.+@/\\-])|(?<=\\[abfnrtv])|(?<=\\x[\da-fA-F]{2})|(?<=\\u[\da-fA-F]{4}))(?P<local>[^\W_][\w.+-]{0,63})@(?P<domain>(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]+)"
            r"(?![\w@(\[-]|\.\w)"
        ),
        _is_address, "user@example.com",
    ),
    _Rule(
        "ip_address", _WHOLE, re.compile(r"\d(?<=[\"'/@].)\d{0,2}\.(?:\d{1,3}\.){2}\d{1,3}(?=[\"':/,;) ])"), _is_public,
        "192.0.2.1",
    ),
    _Rule(
        "phone", _lines_with("[+]"),
        re.compile(r"(?<=[\"' :])\+\d{1,3}[ .-]\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,3}(?=[\"',;.) ]|$)"),
        _is_phone, "+1 555 0100",
    ),
    _Rule(
        "card", _WHOLE, re.compile(r"[3-6](?<![\w.-].)\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w.-])"), _passes_luhn,
        "4111111111111111",
    ),
    _Rule(
        "account", _WHOLE,
        re.compile(r"[A-Z](?<![A-Z0-9].)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?![A-Z0-9])"),
        _passes_mod_97, "XX00 0000 0000 0000",
    ),
)  # fmt: skip


def personal_data(text: str) -> str | None:
    """Return the kind of the first personal data that a rule finds.

    :returns: `email`, `ip_address`, `phone`, `card` or `account`; None if the text contains none.
    """
    for rule in _RULES:
        for part in rule.parts.finditer(text):
            if any(rule.holds(match) for match in rule.pattern.finditer(part[0])):
                return rule.kind
    return None


def without_personal_data(text: str) -> str:
    """Replace personal data in a text by values of the same form that belong to no one."""
    for rule in _RULES:
        text = rule.parts.sub(lambda part, rule=rule: _blanked(rule, part[0]), text)  # type: ignore[misc]
    return text


def _blanked(rule: _Rule, part: str) -> str:
    return rule.pattern.sub(lambda match: rule.blank if rule.holds(match) else match[0], part)
