"""Measure how many secrets and mail addresses are found on labelled lines, and how many false alarms there are.

Run as `python -m benchmarks.secret_detection`. The lines are generated from a seed: tokens in the forms that providers
document, each in typical places in code, and harmless lines that look similar. No token is written in this file, so
that scanners for secrets do not report it. No token has ever been valid, and no address is known to belong to a person.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codetune.data.clean.personal import personal_data, without_personal_data
from codetune.data.clean.secrets import has_secret, without_secrets

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_BASE32 = string.ascii_uppercase + "234567"
_PART = 6
_DRAW = random.Random()


@dataclass(frozen=True)
class Line:
    """A line of code or text, and the part of it that must be removed.

    :param secret: the secret or address that must be removed completely; empty for a harmless line.
    """

    kind: str
    text: str
    secret: str = ""


def _word(length: int, letters: str = _ALNUM) -> str:
    return "".join(_DRAW.choice(letters) for _ in range(length))


def _jwt() -> str:
    header = "ey" + "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    return f"{header}.ey{_DRAW.choice(['Jzd', 'JpY', 'JuY'])}{_word(40)}.{_word(43)}"


def _pem(kind: str) -> str:
    lines = "\n".join(_word(64) for _ in range(4))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n{_word(40)}==\n-----END {kind}PRIVATE KEY-----"


# Prefix and body are joined at run time, so that this file contains no token.
_TOKENS: dict[str, Callable[[], str]] = {
    "GitHub, classic": lambda: _DRAW.choice(["ghp", "gho", "ghu", "ghs", "ghr"]) + "_" + _word(36),
    "GitHub, fine-grained": lambda: "github" + "_pat_11" + _word(20, _BASE32) + "_" + _word(59),
    "GitLab": lambda: "gl" + _DRAW.choice(["pat", "rt", "dt"]) + "-" + _word(20),
    "GitLab, routable": lambda: "glp" + "at-" + _word(27) + ".01." + _word(9, _HEX),
    "Hugging Face": lambda: "h" + "f_" + _word(34, string.ascii_letters),
    "Google API": lambda: "AI" + "za" + _word(35),
    "Google OAuth client": lambda: "GOC" + "SPX-" + _word(28),
    "Anthropic": lambda: "sk-" + "ant-api03-" + _word(93) + "AA",
    "Groq": lambda: "gs" + "k_" + _word(52),
    "Databricks": lambda: "da" + "pi" + _word(32, _HEX),
    "npm": lambda: "np" + "m_" + _word(36),
    "PyPI": lambda: "py" + "pi-AgEIcHlwaS5vcmc" + _word(130),
    "OpenAI, of a user": lambda: "sk-" + _word(20) + "T3Blbk" + "FJ" + _word(20),
    "OpenAI, of a project": lambda: "sk-" + "proj-" + _word(74) + "T3Blbk" + "FJ" + _word(74),
    "OpenAI, of a project, short": lambda: "sk-" + "proj-" + _word(48),
    "OpenRouter": lambda: "sk-" + "or-v1-" + _word(64, _HEX),
    "Slack": lambda: "xox" + "b-" + _word(12, string.digits) + "-" + _word(13, string.digits) + "-" + _word(24),
    "Slack, of an app": lambda: "xap" + f"p-1-A{_word(10, _BASE32)}-{_word(13, '123456789')}-{_word(64, _HEX)}",
    "Stripe": lambda: _DRAW.choice(["sk", "rk"]) + "_live_" + _word(24),
    "AWS, identifier": lambda: _DRAW.choice(["AKIA", "ASIA"]) + _word(16, _BASE32),
    "SendGrid": lambda: "SG" + "." + _word(22) + "." + _word(43),
    "DigitalOcean": lambda: "do" + "p_v1_" + _word(64, _HEX),
    "Discord": lambda: "M" + _word(23) + "." + _word(6) + "." + _word(27),
    "Telegram": lambda: _word(9, "123456789") + ":AA" + _word(33),
    "JSON web token": _jwt,
}  # fmt: skip
_PLACES = (
    'headers = {{"Authorization": "Bearer {}"}}',
    "TOKEN = '{}'  # of the build",
    "    client = Client(token='{}', retries=3)",
    "# export SERVICE_TOKEN={}",
    "url = f'https://api.service.io/v1/{{path}}?access_token={}&page={{page}}'",
    ">>> login('bot', '{}')",
    "The key {} was made for the demonstration.",
)
_KEYS = ("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "")
_KEY_PLACES = (
    'KEY = """{}"""', "def key():\n    return '''{}'''", "# the key of the server\n{}\n", "{{'pem': {!r}}}",
)  # fmt: skip
_URL_PLACES = (
    "engine = create_engine('postgresql://deploy:{}@db.internal.corp:5432/sales')",
    "broker = 'amqp://worker:{}@queue.engines.org//'",
    "DSN = f'mysql+pymysql://root:{}@{{host}}/shop'",
    "pip install --index-url https://reader:{}@wheels.engines.org/simple",
    "redis.from_url('rediss://:{}@cache.engines.org:6380/0')",
    "MONGO = 'mongodb+srv://app:{}@cluster0.kqz1.mongodb.net/?retryWrites=true'",
    "proxies = {{'https': 'socks5h://bob:{}@10.1.2.3:1080'}}",
    "git clone https://ci-bot:{}@git.engines.org/team/tool.git",
)
_HARMLESS = r"""
url = f"postgresql://{user}:{password}@{host}:{port}/{name}"
url = "https://%s:%s@%s" % (user, password, host)
url = "https://{}:{}@{}".format(user, password, host)
url = "https://" + user + ":" + password + "@" + host
url = "https://user:password@example.com"
url = "http://username:password@proxy:3128"
url = "ftp://user:pass@host/path"
url = "redis://:password@localhost:6379/0"
url = "postgresql://scott:tiger@localhost/test"
url = "postgres://postgres:postgres@localhost:5432/postgres"
url = "amqp://guest:guest@localhost:5672//"
url = "mysql://root:changeme@db/app"
url = "mongodb://<user>:<password>@cluster0.mongodb.net"
url = "https://$USER:$PASSWORD@git.engines.org/team/tool"
url = "https://${USER}:${PASSWORD}@git.engines.org/team/tool"
url = "https://oauth2:{token}@gitlab.com/group/project.git"
url = "https://x-access-token:${{ secrets.TOKEN }}@github.com/a/b"
url = "https://user:***@host.engines.org"
url = "https://user:xxxxxxxx@host.engines.org"
url = "https://user:[password]@host.engines.org"
url = "https://user:your-password@host.engines.org"
url = "https://user:%(password)s@host.engines.org" % values
url = "smtp://mailer:<secret>@smtp.engines.org:587"
pattern = re.compile(r"(\w+)://([^:]+):([^@]+)@(.+)")
pattern = re.compile(r"https?://(?P<user>[^:/]+):(?P<password>[^@/]+)@")
parts = "scheme://netloc/path;parameters?query#fragment"
host = "http://localhost:8080/@fs/index.js"
image = "https://registry.engines.org:5000/team/app@sha256:0123"
clock = "at 12:30 see https://engines.org/@team"
token = "your-token-here"
token = "YOUR_API_KEY"
token = "<token>"
token = "changeme"
token = os.environ["GITHUB_TOKEN"]
token = "xoxb-your-token-here"
token = "xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx"
token = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
token = "ghp_" + "x" * 36
token = "ghp_your_personal_access_token_here"
token = "github_pat_xxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
token = "glpat-xxxxxxxxxxxxxxxxxxxx"
token = "glpat-your-token-here"
token = "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
token = "hf_YOUR_HUGGINGFACE_TOKEN_GOES_HERE"
token = "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
token = "sk-your-api-key-here"
token = "sk-proj-your-project-key-goes-here"
token = "sk-ant-api03-your-key-here"
token = "sk-..."
token = "gsk_your_groq_api_key_here"
token = "AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
token = "npm_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
token = "pypi-your-token-here"
token = "sk_test_your_stripe_key"
token = "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx"
token = "dapi00000000000000000000000000000000"
token = "AKIAXXXXXXXXXXXXXXXX"
token = "AKIAIOSFODNN7EXAMPLE"
if token.startswith(("ghp_", "github_pat_", "glpat-", "sk-ant-", "hf_")):
if not re.fullmatch(r"gh[pousr]_[A-Za-z0-9]{36}", token):
prefixes = {"AKIA": "AWS", "AIza": "Google", "xoxb-": "Slack"}
hf_model_config = hf_hub_download_with_retries(repo_id, filename)
sk_learn_pipeline = make_pipeline(scaler, classifier)
npm_package_version = read_package_json("package.json")["version"]
from glob import glob; glob_pattern = "glb-assets-of-the-second-level-01"
if line.startswith("-----BEGIN RSA PRIVATE KEY-----"):
marker = "-----BEGIN PRIVATE KEY-----"
return "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----"
header, footer = "-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----"
pem = "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"
pem = "-----BEGIN RSA PRIVATE KEY-----\n<your key>\n-----END RSA PRIVATE KEY-----"
pem = "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----"
pem = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLI\n-----END PUBLIC KEY-----"
jwt = ".".join([header, payload, signature])
jwt = "header.payload.signature"
digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
digest = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
integrity = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
identifier = "123e4567-e89b-12d3-a456-426614174000"
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
image = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
commit = "b7506c2f0e1d4c3b2a19f8e7d6c5b4a392817069"
sequence = "ACGTACGTTAGCCGATAGCTAGCTAGGATCCGATCGATTACG"
password = getpass.getpass("Password: ")
parser.add_argument("--password", default=None, help="the password of the user")
def connect(host, user="root", password="secret", port=3306):
secret = secrets.token_urlsafe(32)
version = "2.0.0-beta.11+build.20240101T120000"
path = "s3://bucket-of-the-team/models/2024-01-01T00:00:00/checkpoint-00012000"
name = "SG.average_precision_of_the_second.model_of_the_third_experiment_so_far"
"""
_NAMES = ("mara.oddlund", "p.quill", "ada_byron", "hoang", "l-ferro", "tomasz.kw+lists", "Ingrid.Berg", "zed99")
_DOMAINS = (
    "nightshift.co", "relaydesk.ai", "engines.org", "quill.dev", "oddlund.io", "ferro.photography", "byron.xyz",
    "mail.relaydesk.ai", "email.nightshift.com", "lists.server.engines.org", "oddlund.co.uk", "quill.com.br",
    "berg.museum", "cs.kw-institut.de", "post.berg.no", "relay.tech", "ferro.app", "zed.cloud", "hoang.vn", "kw.pl",
    "berg.travel", "quill.tokyo",
)  # fmt: skip
_MAIL_PLACES = (
    "# ask {} before changing this", 'sender = sender or "{}"', "Author: {}", "    :author: Somebody <{}>",
    "body = 'see mailto:{}?subject=night'", "mail = {}", "Write to {}.",
)  # fmt: skip
_NO_MAIL = r"""
mail = "user@example.com"
mail = "jane.doe@example.org"
mail = "someone@mail.example.net"
mail = "name@yourdomain.com"
mail = "your.name@company.com"
mail = "me@foo.com"
mail = "test@test.com"
mail = "noreply@github.com"
mail = "ada@localhost"
mail = "ada@host.invalid"
mail = "ada@mail.test"
mail = f"{local}@{domain}.com"
mail = "%s@%s" % (local, domain)
mail = local + "@" + domain
pattern = r"[\w.+-]+@[\w-]+\.[\w.]+"
if "@" not in address or address.count("@") > 1:
local, _, domain = address.rpartition("@")
@app.route("/index")
@pytest.mark.parametrize("a", [1])
@functools.cache
@property
@dataclass(frozen=True)
y = x@self.weight.T + self.bias
y = x@self.mu
y = a@b.data
y = A@B.dot
y = A@B.it
return x@model.id
return alpha@beta.name
if (weights@other.name).any():
print(left@right.id)
total += query@key.transpose(-1, -2)
z = u@v.T@w.mean
z = (Q@K.mT).softmax(-1)
>>> A@B.inv
git = "git@github.com:team/tool.git"
git = "ssh://git@git.engines.org/team/tool.git"
url = "https://user@git.engines.org/team/tool"
url = "https://ci:{token}@git.engines.org/team/tool"
url = "https://unpkg.com/react@18.2.0/umd/react.js"
url = "https://medium.com/@writer/title"
name = "curve25519-sha256@libssh.org"
name = "chacha20-poly1305@openssh.com"
image = "app@sha256:e3b0c44298fc1c149afbf4c8996fb924"
pin = "black @ https://engines.org/black.whl"
pin = "@scope/package@1.2.3"
tag = "@ada at engines.org"
jdbc = "jdbc:oracle:thin:@db.engines.org:1521:sid"
user = "root@server"
"""


def secret_lines() -> Iterator[Line]:
    """Yield lines with each kind of token in all places, with private keys, and with passwords in URLs."""
    for kind, draw in _TOKENS.items():
        for place in _PLACES:
            token = draw()
            yield Line(kind, place.format(token), token)
    for kind in _KEYS:
        for place in _KEY_PLACES:
            pem = _pem(kind)
            yield Line(
                "private key, encrypted" if kind == "ENCRYPTED " else "private key",
                place.format(pem),
                pem.split("\n")[1],
            )
    for length in (9, 14, 22):
        for place in _URL_PLACES:
            password = _word(length - 2) + "7k"
            yield Line("password in a URL", place.format(password), password)
    for text in _HARMLESS.strip().splitlines():
        yield Line("harmless", text)


def mail_lines() -> Iterator[Line]:
    """Yield lines with addresses under many domains, and lines with an @ that is not an address."""
    for domain in _DOMAINS:
        for place in _DRAW.sample(_MAIL_PLACES, 4):
            address = f"{_DRAW.choice(_NAMES)}@{domain}"
            yield Line("mail address", place.format(address), address)
    for text in _NO_MAIL.strip().splitlines():
        yield Line("no address", text)


def misclassified_lines(lines: list[Line]) -> list[Line]:
    """Return lines whose secret is missed or only partly removed, and harmless lines that are reported."""
    found = []
    for line in lines:
        mail = "address" in line.kind
        alarm = personal_data(line.text) is not None if mail else has_secret(line.text)
        after = without_personal_data(line.text) if mail else without_secrets(line.text)
        # If a few characters of the token remain in the result, part of the token is left.
        parts = {line.secret[at : at + _PART] for at in range(len(line.secret) - _PART + 1)}
        left = any(part in after and part not in line.text.replace(line.secret, "") for part in parts)
        if alarm != bool(line.secret) or left:
            found.append(line)
    return found


def labelled_lines() -> list[Line]:
    """Return all lines, always the same ones."""
    _DRAW.seed(24)
    return [*secret_lines(), *mail_lines()]


def secret_detection() -> None:
    """Print the recall for each kind, and the false alarms."""
    lines = labelled_lines()
    wrong = misclassified_lines(lines)
    print(f"{len(lines)} lines, {sum(bool(line.secret) for line in lines)} of them with a secret or an address")
    for kind in dict.fromkeys(line.kind for line in lines):
        own = [line for line in lines if line.kind == kind]
        bad = sum(line.kind == kind for line in wrong)
        said = f"{len(own) - bad} of {len(own)} fully removed" if own[0].secret else f"{bad} of {len(own)} false alarms"
        print(f"{kind:30}{said}")
    for line in wrong:
        print(f"wrong: {line.kind}: {line.text[:90]!r}")


if __name__ == "__main__":
    secret_detection()
