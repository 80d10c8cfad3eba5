"""Secrets: what is found, what is left alone, and that nothing of a secret stays."""

import pytest

from codetune.data.clean.secrets import has_secret, secrets_in, without_secrets

# Made up, and put together here so that no scanner takes them for a leak.
BODY = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2"
TOKENS = {
    "GitHub": "ghp" + "_" + BODY,
    "GitHub, fine-grained": "github" + "_pat_11ABCDE0Y0" + BODY + BODY,
    "GitLab": "glp" + "at-" + BODY[:20],
    "GitLab, routable": "glp" + "at-" + BODY[:27] + ".01.0z1k2m3n4",
    "Hugging Face": "h" + "f_" + "QwErTyUiOpAsDfGhJkLzXcVbNmqWeRtYuI",
    "Google": "AI" + "zaSy" + BODY[:33],
    "Anthropic": "sk-" + "ant-api03-" + BODY + BODY,
    "Groq": "gs" + "k_" + BODY + BODY[:16],
    "Databricks": "da" + "pi" + "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "npm": "np" + "m_" + BODY,
    "PyPI": "py" + "pi-AgEIcHlwaS5vcmc" + BODY + BODY,
    "OpenAI, project": "sk-" + "proj-" + BODY + "_" + BODY,
    "Slack": "xox" + "b-2345678901-2345678901234-" + BODY[:24],
    "Stripe": "sk" + "_live_" + BODY[:24],
    "AWS": "AK" + "IA" + "IOSFODNN7REALKEY",
    "JSON web token": "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + BODY + "0123456",
    "Google, access": "ya2" + "9." + BODY + BODY[:9],
    "Google, refresh": "1/" + "/0" + BODY + BODY[:20],
    "Stripe, webhook": "whs" + "ec_" + BODY[:32],
    "Supabase": "sb" + "_secret_" + BODY[:31],
    "Sentry": "sntr" + "yu_" + "0f1e2d3c4b5a6978" * 4,
    "SonarQube": "sq" + "p_" + "0f1e2d3c4b5a69788796" * 2,
    "Mailgun": "ke" + "y-" + "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "HubSpot": "pa" + "t-na1-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "Pinecone": "pc" + "sk_" + BODY + BODY[:24],
    "Bitbucket": "AT" + "BB" + BODY[:28],
    "Notion": "sec" + "ret_" + BODY + BODY[:7],
    "Fireworks": "f" + "w_" + BODY[:24],
    "ElevenLabs": "s" + "k_" + "0f1e2d3c4b5a6978" * 3,
    "Tailscale": "tsk" + "ey-auth-" + BODY[:12] + "-" + BODY[:20],
    "Heroku": "HR" + "KU-" + BODY,
    "Contentful": "CF" + "PAT-" + BODY,
    "Typeform": "tf" + "p_" + BODY,
    "Mapbox": "s" + "k.eyJ" + BODY + "." + BODY[:22],
    "Azure": "q7Zk" * 21 + "aB==",
}
BEGIN, END = "-----BEGIN {}PRIVATE" + " KEY-----", "-----END {}PRIVATE" + " KEY-----"
KEY_LINES = (BODY + BODY[:28], BODY[::-1] + BODY[:28], "Q7w==")


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("place", ['k = "{}"', "x-{}", "# {}", "https://a.org/?k={}&b=1", "AccountKey={}"])
def test_nothing_of_a_token_is_left(kind, place):
    if kind == "Azure" and not place.startswith("Acc"):
        pytest.skip("known by what stands before it")
    text = place.format(TOKENS[kind])
    assert has_secret(text)
    assert without_secrets(text) == place.format("REDACTED")


def test_a_token_that_is_longer_than_its_rule_says_is_blanked_whole():
    # Of Telegram's, 35 characters follow the colon today.
    text = "bot = '" + "123456789:" + "AA" + BODY + "_later'"
    assert without_secrets(text) == "bot = 'REDACTED'"


@pytest.mark.parametrize(
    "place", ["é = '{0}'\nü = '{0}'", "\ufeffk = '{0}'", "k = '\ud800{0}'", "k = '{0}'\nz = 'my{0}'"]
)
def test_every_place_of_a_token_is_blanked_whatever_stands_before_it(place):
    assert without_secrets(place.format(TOKENS["GitHub"])) == place.format("REDACTED")


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize(
    "place",
    [
        'K = """{}\n{}\n{}\n{}\n{}\n"""',
        "K = ('{}\\n'\n  '{}\\n'\n  '{}\\n'\n  '{}\\n'\n  '{}')",
        r'K = "{}\n{}\n{}\n{}\n{}"',
    ],
)
def test_a_private_key_is_blanked_line_by_line(kind, place):
    begin, end = BEGIN.format(kind), END.format(kind)
    text = place.format(begin, *KEY_LINES, end)
    assert has_secret(text)
    assert without_secrets(text) == place.format(begin, "REDACTED", "REDACTED", "REDACTED", end)
    assert not has_secret(without_secrets(text))


def test_a_private_key_without_its_end_is_found_and_left_for_the_row_to_be_dropped():
    text = f"{BEGIN.format('RSA ')}\n{KEY_LINES[0]}"
    assert without_secrets(text) == text
    assert has_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://deploy:{}@db.internal.corp:5432/x", "https://bob:{}@files.engines.org/a", "redis://:{}@cache:6379",
        "mysql+pymysql://root:{}@db7", "socks5h://bob:{}@10.1.2.3", 'f"amqp://{{user}}:{}@{{host}}"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("password", ["Zk29dLq81mXp", "tr0ub4dor&3", "correct-horse", "p@rt7two", "100%45pure"])
def test_a_password_in_a_url_is_blanked_there_alone(text, password):
    code = f"{text.format(password)}\n"
    assert secrets_in(code) == (password,)
    assert without_secrets(code) == f"{text.format('REDACTED')}\n"


def test_a_short_password_is_not_blanked_in_names():
    url = "url = 'https://mirror:{}@files.internal.corp'\nlimit = maxrate(maxr7te)\n"
    assert without_secrets(url.format("maxr7te")) == url.format("REDACTED")


@pytest.mark.parametrize(
    "text",
    [
        'f"https://{user}:{password}@{host}"', '"https://%s:%s@%s"', "https://<user>:<password>@host", "https://$U:$PW@h",
        "https://user:pa55word@host", "https://user:p%40ss@host.com", "https://user:password@host", "https://me:your-token-here@h.org", "https://me:xxxx@h.org", "amqp://guest:guest@mq",
        "https://me:changeme@h.org", "https://mirror:x@files.internal.corp", "https://a:DB_PASSWORD@h.org", "https://a:***@h",
        r"(\w+)://([^:]+):([^@]+)@(.+)", "your-token-here", "ghp_" + "x" * 36, "glpat-your-token-here-please", "sk-" + "x" * 48,
        "hf_hub_download_with_retries_and_more", "AKIAIOSFODNN7EXAMPLE", "xoxb-your-token-here", "AIza" + "X" * 35,
        "sk-ant-api03-your-key-goes-here-now", "key.startswith('-----BEGIN RSA PRIVATE KEY-----')",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", "task-based-Scheduling-for-Version2-models",
        "Keys begin with\n-----BEGIN PRIVATE KEY-----\nand end with another line.", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
    ],
)  # fmt: skip
def test_placeholders_variables_and_names_are_no_secrets(text):
    assert secrets_in(f"def f(a):\n    '''{text}'''\n    return a\n") == ()
