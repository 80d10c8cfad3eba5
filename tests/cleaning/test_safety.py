"""What may not be passed on: licences, secrets and personal data, with few false alarms."""

import pytest

from codetune.cleaning.pairs import judge_row
from codetune.cleaning.personal import personal_data, without_personal_data
from codetune.cleaning.reasons import Drop
from codetune.cleaning.safety import license_drop, scrubbed
from tests.clean_params import clean_params
from tests.tables import raw_row

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
    assert scrubbed(text, clean_params(**changes)) == expected


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


def test_the_licence_is_asked_first():
    assert judge_row(raw("no code", "GPL-3.0-only"), clean_params()).reason == "license_not_allowed"
