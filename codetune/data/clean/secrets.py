"""Find and replace secrets in code, with the rules of Kingfisher and a few more for tokens that Kingfisher misses.

Kingfisher (of MongoDB) has the rules of the successor of gitleaks, searches for several hundred kinds of token at once,
and does not ask any service whether a token is valid. Our own rules find tokens by their prefix if the provider has
changed their length, keys that Kingfisher accepts only in pairs, and passwords in URLs of any scheme. Passwords that
only a name such as `password` indicates are not searched: in code nearly all of them are examples.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from kingfisher_sdk import Rules, Scanner

BLANK = "REDACTED"
# Kingfisher finds passwords in URLs of some schemes only; `_URL` finds them in all.
_URL_RULE = "betterleaks.generic-credential-uri"
_END = "-----END"
_KEY = re.compile(
    r"-----BEGIN[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\+[nr])(?:[\s\"'+\\]|\\[nr])*"
    r"(?:[A-Z][\w-]+:[^\n\\]*(?:\s|\\+[nr])+)*(?P<body>[A-Za-z0-9+/=.]+)(?=\s*(?:[\"'\\\n]|\Z))"
    rf"(?:(?:(?!-----BEGIN)[\s\S]){{0,16384}}?{_END}[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----)?"
)
_KEY_BODY = re.compile(rf"(?<=KEY-----)[\s\S]*(?={_END})|(?<=BLOCK-----)[\s\S]*(?={_END})")
_KEY_WORD = re.compile(r"(?<!\\)[A-Za-z0-9+/=]*[A-Za-z0-9][A-Za-z0-9+/=]*")
# Prefixes of tokens whose remaining characters include upper-case letters, lower-case letters and digits.
_PREFIXES = (
    "github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "gloas-", "gldt-", "glrt-", "glcbt-", "glptt-",
    "glft-", "glsoat-", "glagent-", "hf_", "api_org_", "sk-", "gsk_", "npm_", "pypi-", "AIza", "GOCSPX-", "xoxa-",
    "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xoxe.xoxp-", "xapp-", "sk_live_", "sk_test_", "rk_live_", "rk_test_",
    "sq0atp-", "sq0csp-", "ntn_", "dop_v1_", "ya29.", "whsec_", "hvs.", "hvb.", "hvr.", "sb_secret_", "xai-", "vcp_",
    "vci_", "vca_", "vcr_", "vck_", "cfat_", "cfut_", "nfp_", "sntrys_", "pscale_tkn_", "pscale_pw_", "pscale_oauth_",
    "fm2_", "wandb_v1_", "pcsk_", "tvly-", "jina_", "ATBB", "glsa_", "figd_", "nvapi-", "r8_", "pplx-",
    "tskey-auth-", "tskey-api-", "tskey-client-", "HRKU-", "CFPAT-", "tfp_",
)  # fmt: skip
# Tokens of other forms. The first string must occur in a text before the pattern is tried, which is faster.
_FORMS = (
    ("AKIA", r"AKIA(?<![A-Za-z0-9]AKIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),  # AWS
    ("ASIA", r"ASIA(?<![A-Za-z0-9]ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ABIA", r"ABIA(?<![A-Za-z0-9]ABIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("eyJ", r"eyJ(?<![A-Za-z0-9]eyJ)[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),  # a JSON web token
    (".", r"[MNO](?<![A-Za-z0-9].)[\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}"),  # Discord
    (":AA", r"\d(?<!\d.)\d{7,9}:AA[\w-]{33}"),  # Telegram
    ("AKC", r"AKC(?<![A-Za-z0-9]AKC)[A-Za-z0-9]{60,}"),  # Artifactory
    ("hf_", r"hf_(?<![A-Za-z0-9]hf_)[A-Za-z]{34}(?![A-Za-z0-9])"),  # Hugging Face, without digits
    ("dapi", r"dapi(?<![A-Za-z0-9]dapi)[0-9a-f]{32}(?![A-Za-z0-9])"),  # Databricks
    ("AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)"),  # storage of Azure
    ("fw_", r"fw_(?<![A-Za-z0-9]fw_)(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{22,24}(?![\w-])"),  # Fireworks
    ("secret_", r"secret_(?<![A-Za-z0-9]secret_)(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{43}(?![\w-])"),  # Notion, before 2024
    ("1//0", r"1//0(?<![A-Za-z0-9/]1//0)[\w-]{43,}"),  # refresh token of Google
    ("Q~", r"[\w.~-]{3}(?<![\w.~-]...)\dQ~[\w.~-]{31,34}(?![\w.~-])"),  # secret of an Azure application
    ("sig=", r"[?&]sig=(?P<secret>[A-Za-z0-9%+/]{43,60}(?:%3[Dd]|=))"),  # shared access signature of Azure
    ("/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{17,20}/(?P<secret>[\w-]{60,})"),
    ("key-", r"key-(?<![A-Za-z0-9]key-)[0-9a-f]{32}(?![\w-])"),  # Mailgun
    ("-us", r"[0-9a-f](?<![\w-].)[0-9a-f]{31}-us\d{1,2}(?![\w-])"),  # Mailchimp
    ("sk_", r"sk_(?<![A-Za-z0-9]sk_)[0-9a-f]{48}(?![\w-])"),  # ElevenLabs
    ("sntryu_", r"sntryu_[0-9a-f]{64}(?![\w-])"),  # Sentry
    ("sq", r"sq[apu]_(?<![A-Za-z0-9]sq._)[0-9a-f]{40}(?![\w-])"),  # SonarQube
    ("pat-", r"pat-(?<![A-Za-z0-9]pat-)(?:na|eu|ap)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"),  # HubSpot
    ("AKID", r"AKID(?<![A-Za-z0-9]AKID)[A-Za-z0-9]{32}(?![\w-])"),  # Tencent Cloud
    ("AQVN", r"AQVN(?<![A-Za-z0-9]AQVN)[\w-]{35,38}(?![\w-])"),  # Yandex Cloud
    ("sk.eyJ", r"sk\.eyJ[\w-]{20,}\.[\w-]{16,}"),  # Mapbox
    (":_authToken=", r":_authToken=(?P<secret>[\w-]{20,})"),  # npm
)  # fmt: skip
_URL = re.compile(r"://(?P<user>[^\s:/@'\"`\\]*):(?P<password>[^\s/'\"`\\]+)@(?P<host>[^\s:/?#'\"`\\]+)")
# The rest of a token after the part that a rule matched, because providers make their tokens longer over time.
# In routable tokens of GitLab, two characters between dots are the version.
_REST = re.compile(r"[\w+/=-]*(?:\.(?:[\w+/=-]{6,}|[0-9a-z]{2}(?=\.?[0-9A-Za-z]{7})))*")
_EXAMPLE = re.compile(
    r"x{4,}|\*{3}|\.{3}|your|example|placeholder|dummy|redacted|change[-_]?me|insert|replace[-_]?me", re.IGNORECASE
)
_VARIABLE = re.compile(r"[{}<>\[\]^|]|%(?:\(|[rsd](?![0-9A-Fa-f]))|^\$\w+$|^\$\(|^%\w+%$")
_PASSWORD_WORD = re.compile(
    r"(?:my|the|a|an|some|any|db|user|test|admin|secure|secret|strong|new|old|real|super|very|url|proxy|[-_.])*"
    r"(?:pass(?:word|wd|phrase|code)?|passwort|pwd|pw|secret|token|key|api[-_]?key|credentials?|test(?:ing)?|foo|bar|"
    r"baz|spam|eggs|qux|tiger|guest|hunter2|letmein|x-oauth-basic|s3cret|p4ssw0rd|passw0rd|pa55w[o0]rd|p(?:@|%40)ss(?:word|w0rd)?|user|"
    r"admin|root|port|abc|abcd|here|hidden|none|null)[-_]?(?:\d{0,6}|here)!?",
    re.IGNORECASE,
)  # fmt: skip
_RESERVED_HOST = re.compile(r"(?:.*\.)?(?:example(?:\.\w+)?|test|invalid|host(?:name)?|server)", re.IGNORECASE)
_FEW = 4
_MIXED = "aA0"
_DISTINCT = 8
_BEGINNING = 80  # characters; the rest of a long key may contain such words by chance


@cache
def _scanner() -> Scanner:
    return Scanner(Rules(), base64=False)


def _is_example(token: str) -> bool:
    """Return whether a token is an example: its beginning says so, or it consists of few different characters."""
    return len({*token}) < _DISTINCT or bool(_EXAMPLE.search(token, 0, _BEGINNING))


def _is_mixed(body: str) -> bool:
    """Return whether a text has upper-case letters, lower-case letters and digits: random tokens do, names do not."""
    return all(any(kind(letter) for letter in body) for kind in (str.isupper, str.islower, str.isdigit))


def _is_password(match: re.Match[str]) -> bool:
    """Return whether a URL contains a real password, not a variable, a placeholder, or the user name again."""
    password, host = match["password"], match["host"]
    if len(password) < _FEW or len({*password}) < _FEW or password.casefold() == match["user"].casefold():
        return False
    if _VARIABLE.search(password) or _EXAMPLE.search(password) or _PASSWORD_WORD.fullmatch(password):
        return False
    drawn = len(password) >= 2 * _FEW and re.search(r"\d", password) and re.search(r"[A-Za-z]", password)
    return bool(drawn) or not _RESERVED_HOST.fullmatch(host)


def _by_kingfisher(text: str) -> list[tuple[int, int]]:
    # A byte order mark would be removed, and a lone surrogate cannot be encoded. The replacements keep the offsets.
    data = text.replace("\ufeff", " ").encode(errors="replace")
    found = []
    for each in _scanner().scan(data):
        if each.rule_id == _URL_RULE or _is_example(each.secret):
            continue
        start, end = (len(data[: each.location[key]].decode()) for key in ("start_offset", "end_offset"))
        found.append((start, end))
    return found


@cache
def _our_rules() -> list[tuple[str, re.Pattern[str]]]:
    prefixed = (
        (start, rf"{re.escape(start)}(?<![A-Za-z0-9]{re.escape(start)})(?P<mixed>[A-Za-z0-9_-]{{20,}})")
        for start in _PREFIXES
    )
    return [(start, re.compile(rule)) for start, rule in (*prefixed, *_FORMS)]


def _by_our_rules(text: str) -> list[tuple[int, int]]:
    found = []
    for start, rule in _our_rules():
        for match in rule.finditer(text) if start in text else ():
            groups = match.groupdict()
            if not _is_example(match[0]) and _is_mixed(groups.get("mixed", _MIXED)):
                found.append(match.span("secret" if "secret" in groups else 0))
    return found


def secret_places(text: str) -> list[tuple[int, int]]:
    """Find the secrets in a text.

    :returns: pairs of start and end offset in characters, sorted and without overlap.
    """
    tokens = _by_kingfisher(text) + _by_our_rules(text)
    found = [(start, _REST.match(text, end).end()) for start, end in tokens]  # type: ignore[union-attr]
    found += [match.span() for match in _KEY.finditer(text) if not _EXAMPLE.search(match["body"])]
    found += [match.span("password") for match in _URL.finditer(text) if _is_password(match)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


@lru_cache(maxsize=64)
def secrets_in(text: str) -> tuple[str, ...]:
    """Return the secrets in a text; results for recent texts are cached, since many rows come from one module."""
    return tuple(text[start:end] for start, end in secret_places(text))


def without_secrets(text: str) -> str:
    """Replace each secret in a text by `REDACTED` and keep the number of lines; a private key without its end is kept.

    A long secret is replaced everywhere in the text. A short one is replaced only where it was found, because its
    letters can be part of ordinary names.
    """
    whole = []
    for start, end in reversed(secret_places(text)):
        secret = text[start:end]
        if "PRIVATE KEY" in secret:
            blank = _KEY_BODY.sub(lambda body: _KEY_WORD.sub(BLANK, body[0]), secret)
        else:
            blank = BLANK
            whole.append(secret)
        text = text[:start] + blank + text[end:]
    for secret in whole:
        text = text.replace(secret, BLANK) if len(secret) >= 2 * _DISTINCT else text
    return text


def has_secret(text: str) -> bool:
    """Return whether a text contains a token, a key, or a URL with a password."""
    return bool(secret_places(text))
