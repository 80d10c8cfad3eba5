"""What the page must never do, whoever wrote the link, the rows or the branch."""

from __future__ import annotations

import http.client
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from codetune.app import project
from codetune.history.listing import find_revision, list_revisions
from codetune.history.repository import Repository
from tests.app.conftest import HOUSE
from tests.app.words import words
from tests.support.sample_project import Project, build_empty, commit

Open = Callable[..., AppTest]
HOSTILE = [
    "--output=/tmp/hacked",
    "-h",
    "../../etc/passwd",
    "main..HEAD",
    "main; touch hacked",
    "$(touch hacked)",
    "`touch hacked`",
    "HEAD^{/x}",
    "main:params.yaml",
    "@{-1}",
    "main\nhacked",
    "main\0hacked",
    "<script>document.title='hacked'</script>",
    "[click](javascript:alert(1))",
    "9" * 100_000,
    "\U0001f926" * 70,
    "\u202emain",
]
HTML = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"


def settings() -> dict[str, dict[str, object]]:
    return tomllib.loads((HOUSE / ".streamlit/config.toml").read_text())


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("server", "address", "127.0.0.1"),
        ("server", "enableXsrfProtection", True),
        ("server", "enableCORS", True),
        ("browser", "gatherUsageStats", False),
        ("browser", "serverAddress", "127.0.0.1"),
        ("client", "showErrorDetails", "none"),
    ],
)
def test_the_settings_are_safe_by_default(section: str, key: str, value: object) -> None:
    assert settings()[section][key] == value


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_revision_is_not_looked_for_among_options(sample: Project, value: str) -> None:
    repository = Repository(sample.root)
    assert find_revision(repository, list_revisions(repository), value) is None
    assert not list(sample.root.rglob("hacked*"))


@pytest.mark.parametrize(
    ("name", "sides", "shown"),
    [
        ("compare", ("baseline", "candidate"), "The candidate is better on"),
        ("try_it", ("left", "right"), "**Tuned model of workspace**"),
        ("data", ("revision",), "There is no reports/data.json yet"),
    ],
)
@pytest.mark.parametrize("value", [HOSTILE[0], *HOSTILE[-5:-2]], ids=["option", "script", "link", "length"])
def test_a_link_cannot_say_more_than_a_revision(
    open_page: Open, sample: Project, name: str, sides: tuple[str, ...], shown: str, value: str
) -> None:
    page = open_page(sample.root, dict.fromkeys(sides, value), name)
    assert shown in words(page), "what is shown without a link"
    warnings = [part.value for part in page.warning]
    assert len(warnings) == len(sides)
    for warning in warnings:
        assert "which this clone does not have" in warning
        assert len(warning) < 400, "an absurd length is cut"
        assert "<script>" not in warning
        assert "](javascript" not in warning


@pytest.mark.parametrize("value", ["<b>", "tuned/../base", "x" * 10_000])
def test_a_link_cannot_name_another_sort_of_model(open_page: Open, sample: Project, value: str) -> None:
    page = open_page(sample.root, {"left_model": value}, "try_it")
    words(page)
    (warning,) = [part.value for part in page.warning]
    assert "choose base or tuned" in warning
    assert len(warning) < 250
    assert "<b>" not in warning


def _plant(root: Path) -> None:
    """Put markup wherever rows have text."""
    for path in (root / "reports/samples").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        texts = ("instruction", "reference", "answer", "qualname", "path")
        for row in rows:
            row.update({key: f"{row[key]} {HTML} **bold** :red[red]" for key in texts})
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("name", ["compare", "samples", "try_it"])
def test_markup_in_rows_is_text(open_page: Open, copied_sample: Project, name: str) -> None:
    _plant(copied_sample.root)
    commit(copied_sample.root, f"A message with {HTML}", 9)
    page = open_page(copied_sample.root, page=name)
    words(page)
    for element in [*page.markdown, *page.caption, *page.info, *page.warning]:
        assert not re.search(r"(?<!\\)(<(img|script)|\*\*bold|:red\[)", element.value), "not escaped"
        assert not getattr(element.proto, "allow_html", False)
    for element in page.get("html"):
        assert "<img" not in element.proto.body
        assert "<script" not in element.proto.body
    if name != "compare":  # which shows no row
        assert HTML in "".join(part.value for part in [*page.code, *page.text_area])


def _ask(url: str, method: str, path: str, headers: dict[str, str], body: str | None = None) -> int:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    connection.request(method, path, body=body, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def _listening(port: int | None) -> set[str]:
    found = psutil.net_connections("tcp")
    return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN and each.laddr.port == port}


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def test_the_server_answers_this_machine_and_its_own_page_alone(serve: Callable[[Path], str], sample: Project) -> None:
    url = serve(sample.root)
    assert _listening(urlsplit(url).port) == {"127.0.0.1"}
    home = {**UPGRADE, "Origin": url}
    assert _ask(url, "GET", "/_stcore/stream", home) == 101
    assert _ask(url, "GET", "/_stcore/stream", {**home, "Origin": "http://evil.example"}) == 403
    upload = _ask(url, "PUT", "/_stcore/upload_file/a/b", {"Content-Type": "multipart/form-data; boundary=x"}, "--x--")
    assert upload == 403, "no upload without the token of cross-site protection"


@pytest.mark.parametrize("name", ["compare", "data", "experiments", "samples", "try_it"])
def test_an_unforeseen_failure_is_a_sentence_without_details(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(project, "repository", broken)
    monkeypatch.setattr(project, "revisions", broken)
    page = open_page(build_empty(tmp_path / "p").root, page=name)
    assert not page.exception
    assert [part.value for part in page.error] == [
        "This page failed. The terminal that runs it says why; reload to try again."
    ]


@pytest.mark.parametrize("name", ["compare", "try_it"])
def test_a_folder_that_is_gone_is_a_sentence(open_page: Open, tmp_path: Path, name: str) -> None:
    page = open_page(tmp_path / "gone", page=name)
    assert not page.exception
    assert page.error or page.info
