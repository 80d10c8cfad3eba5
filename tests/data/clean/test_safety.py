"""What may not be passed on: licences, secrets and personal data, with few false alarms."""

from dataclasses import replace

import pytest

from codetune.data.clean.pairs import judge_row
from codetune.data.clean.personal import personal_data, without_personal_data
from codetune.data.clean.reasons import Drop
from codetune.data.clean.safety import license_drop, redacted_or_dropped, without_secret_parts
from tests.support.clean_params import clean_params
from tests.support.tables import pair_row, raw_row

KEY = "AKIA" + "IOSFODNN7REALKEY"
PERSONAL = {
    "email": "# by ada.byron@engines.org",
    "ip_address": "host = '84.201.17.93'",
    "phone": "call '+49 30 901820 44'",
    "card": "pay('5425 2334 3010 9903')",
    "account": "to = 'DE89 3704 0044 0532 0130 00'",
}


@pytest.mark.parametrize(
    ("expression", "changes", "kept"),
    [
        ("MIT", {}, True),
        ("GPL-3.0-only", {}, False),
        ("MIT OR GPL-3.0-only", {}, True),
        ("LicenseRef-GPL", {"licenses": "any"}, True),
        ("MPL-2.0", {"licenses": ["MPL-2.0"]}, True),
        ("MIT", {"licenses": ["MPL-2.0"]}, False),
        ("NOASSERTION", {}, True),
        ("NOASSERTION", {"unknown_license": "drop"}, False),
    ],
)
def test_licenses(expression, changes, kept):
    drop = license_drop(expression, clean_params(**changes))
    assert drop == (None if kept else Drop("license_not_allowed", found=expression))


@pytest.mark.parametrize("kind", PERSONAL)
def test_personal_data_is_found_and_blanked(kind):
    text = f"x = 1\n{PERSONAL[kind]}\ny = 2"
    assert personal_data(text) == kind
    blanked = without_personal_data(text)
    assert personal_data(blanked) is None
    assert blanked.startswith("x = 1\n")
    assert blanked.endswith("\ny = 2")
    assert blanked != text


@pytest.mark.parametrize(
    "domain", ["nightshift.co", "relaydesk.ai", "mail.engines.photography", "kw.co.uk", "müller.de"]
)
@pytest.mark.parametrize("place", ["# ask {}", "to = '{}'", "Author: {}", "mail = {}", "<mailto:{}>", "{}", "by\n{}\n"])
def test_an_address_is_found_under_any_domain(domain, place):
    for local in ("mara", "mara.oddlund", "p-q+lists"):
        text = place.format(f"{local}@{domain}")
        assert without_personal_data(text) == place.format("user@example.com")


@pytest.mark.parametrize("escape", [r"\n", r"\t", r"\xe9", r"\u00e9"])
def test_an_escape_sequence_before_an_address_stays_whole(escape):
    assert without_personal_data(f'"{escape}mara.oddlund@nightshift.co"') == f'"{escape}user@example.com"'


@pytest.mark.parametrize(
    "text",
    [
        r're.findall(r"\w+@nightshift.co", text)', r're.findall(r"\S@nightshift.co", text)', "'%s@nightshift.co' % short",
        "'%(name)s@nightshift.co' % row", "f'%5.2f@nightshift.co'", "'{}@nightshift.co'.format(name)",
        "elif left@right.id:", "return x@model.id", "y = A@B.it", "(left@right.name).any()", ">>> weights@other.name", "y = x@self.mu",
        "user@mail.example.com", "jane@company.co.uk", "https://ci@git.engines.org/a", "https://ci:pw@git.engines.org/a",
        "ada@host.unknownsuffix", "'react@18.2.0'",
    ],
)  # fmt: skip
def test_what_belongs_to_nobody_or_is_no_address_is_left(text):
    assert personal_data(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "y = x@self.weight.T", "@app.route", "mail = 'user@example.com'", "'curve25519-sha256@libssh.org'",
        "git@github.com:a/b.git", "__version__ = '3.5.0.1'", "dns = '8.8.8.8'", "local = '192.168.17.31'",
        "# RFC 9110 section 8.4.1.3", "x = +10 + 200", "fake = '+1 555 0100 200'", "n = 4111111111111111",
        "n = 1234567890123456", "key = 'AB12 CDEF GH34 IJKL MN56'", "-1.5e+300",
    ],
)  # fmt: skip
def test_no_false_alarm(text):
    assert personal_data(text) is None


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        (f"k = '{KEY}'", {}, Drop("secret")),
        (f"k = '{KEY}'", {"secrets": "redact"}, "k = 'REDACTED'"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc", {"secrets": "redact"}, Drop("secret")),
        (PERSONAL["email"], {}, "# by user@example.com"),
        (PERSONAL["email"], {"personal_data": "drop"}, Drop("personal_data", found="email")),
        (PERSONAL["email"], {"personal_data": "keep"}, PERSONAL["email"]),
    ],
)
def test_policies(text, changes, expected):
    assert redacted_or_dropped(text, clean_params(**changes)) == expected


def raw(code, license_="MIT"):
    return raw_row(code=code, license=license_, docstring="Send it to someone.", instruction=None, completion=None)


CODE = 'def send(a, b):\n    """Send it to someone."""\n    to = "ada.byron@engines.org"\n    return a.send(b, to)'


def test_a_row_is_judged_as_it_is_passed_on():
    candidate = judge_row(raw(CODE), clean_params())
    assert candidate.completion == 'def send(a, b):\n    to = "user@example.com"\n    return a.send(b, to)'


def test_a_secret_drops_the_row():
    code = CODE.replace("ada.byron@engines.org", KEY)
    assert judge_row(raw(code), clean_params()) == Drop("secret")
    assert "REDACTED" in judge_row(raw(code), clean_params(secrets="redact")).completion


def table_row(**changes):
    return pair_row(license="MIT", instruction="Say where the token comes from.", **changes)


MAIL_ANSWER = 'def where(a, b):\n    owner = "ada.byron@engines.org"\n    return {"owner": owner, a: b}'


@pytest.mark.parametrize("secrets", ["drop", "redact"])
def test_a_secret_is_not_passed_on_beside_a_mail_address(secrets):
    row = table_row(completion=MAIL_ANSWER) | {"instruction": f"Say where the token {KEY} comes from."}
    result = judge_row(row, clean_params(secrets=secrets))
    if secrets == "drop":
        assert result == Drop("secret")
    else:
        assert result.instruction == "Say where the token REDACTED comes from."
        assert '"user@example.com"' in result.completion


OPEN_KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEowIBAAKCAQEAq7"


@pytest.mark.parametrize("secret", [KEY, OPEN_KEY])
def test_what_a_row_does_not_show_does_not_drop_it(secret):
    module = f'{CODE}\n\n\nKEY = """{secret}"""\n'
    result = judge_row(raw(CODE), clean_params(), module)
    assert result.completion == 'def send(a, b):\n    to = "user@example.com"\n    return a.send(b, to)'


@pytest.mark.parametrize("where", ["source", "want", "setup"])
def test_the_examples_of_a_problem_are_looked_through_too(where, monkeypatch):
    problem = {"setup": "", "examples": [{"source": "send(1)", "want": "1"}]}
    (problem if where == "setup" else problem["examples"][0])[where] = f"token = '{KEY}'"
    kept = judge_row(raw(CODE.replace("ada.byron", "user").replace("engines.org", "example.com")), clean_params())
    monkeypatch.setattr("codetune.data.clean.pairs._judge", lambda *_: replace(kept, examples=problem))
    assert judge_row(raw(CODE), clean_params()) == Drop("secret")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (f"'{KEY}'", "REDACTED"),
        (f"'{KEY[:12]}", "REDACTED"),
        ("'ada.byron@engines.org'", "'user@example.com'"),
        ("_private_name_of_17", "_private_name_of_17"),
    ],
)
def test_what_a_rule_found_tells_no_part_of_a_secret(found, said):
    drop = without_secret_parts(Drop("untold_value", found=found), [f"k = '{KEY}'"], clean_params())
    assert drop == Drop("untold_value", found=said)


def test_the_ledger_is_told_of_a_dropped_row_without_its_secret(monkeypatch):
    monkeypatch.setattr("codetune.data.clean.pairs._judge", lambda *_: Drop("untold_value", found=f"'{KEY[:9]}"))
    assert judge_row(raw(f"{CODE}  # {KEY}"), clean_params()) == Drop("untold_value", found="REDACTED")


def test_the_licence_is_asked_first():
    assert judge_row(raw("no code", "GPL-3.0-only"), clean_params()).reason == "license_not_allowed"
