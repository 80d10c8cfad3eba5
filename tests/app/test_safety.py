"""What the page must never do, whoever wrote the link, the rows or the branch."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from codetune.revisions.listing import find_revision, list_revisions
from codetune.revisions.repository import Repository
from tests.app.conftest import HOUSE
from tests.sample_project import Project, build_empty, commit

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


def words(page: AppTest) -> str:
    """What the page says; a traceback or a failure has failed the test."""
    assert not page.exception
    parts = [*page.title, *page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    text = "\n".join(part.value for part in parts)
    assert "This page failed" not in text
    return text


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_revision_is_not_looked_for_among_options(sample: Project, value: str) -> None:
    repository = Repository(sample.root)
    assert find_revision(repository, list_revisions(repository), value) is None
    assert not list(sample.root.rglob("hacked*"))


@pytest.mark.parametrize("sides", [("baseline", "candidate"), ("left", "right")])
@pytest.mark.parametrize("value", [HOSTILE[0], *HOSTILE[-5:-2]], ids=["option", "script", "link", "length"])
def test_a_link_cannot_say_more_than_a_revision(open_link: Open, sides: tuple[str, str], value: str) -> None:
    page = open_link(dict.fromkeys(sides, value))
    warnings = [part.value for part in page.warning]
    assert len(warnings) == 2
    for warning in warnings:
        assert "which this clone does not have" in warning
        assert len(warning) < 400, "an absurd length is cut"
        assert "<script>" not in warning
        assert "](javascript" not in warning


@pytest.mark.parametrize("value", ["<b>", "tuned/../base", "x" * 10_000])
def test_a_link_cannot_name_another_sort_of_model(open_link: Open, value: str) -> None:
    page = open_link({"left_model": value})
    (warning,) = [part.value for part in page.warning]
    assert "there are base and tuned" in warning
    assert len(warning) < 250
    assert "<b>" not in warning


def _compare() -> None:
    from codetune.app import compare

    compare.page()


def _try() -> None:
    from codetune.app import try_it

    try_it.page()


@pytest.fixture
def open_link(monkeypatch: pytest.MonkeyPatch, sample: Project) -> Open:
    def run(query: dict[str, str]) -> AppTest:
        monkeypatch.setenv("CODETUNE_PROJECT", str(sample.root))
        script = _compare if "baseline" in query else _try
        page = AppTest.from_function(script, default_timeout=60)
        page.query_params.update(query)
        page.run()
        words(page)
        return page

    return run


def _plant(root: Path) -> None:
    """Put markup wherever rows have text."""
    for path in (root / "reports/samples").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        texts = ("instruction", "reference", "answer", "qualname", "path")
        for row in rows:
            row.update({key: f"{row[key]} {HTML} **bold** :red[red]" for key in texts})
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _samples() -> None:
    from codetune.app import samples

    samples.page()


@pytest.mark.parametrize("script", [_compare, _samples, _try])
def test_markup_in_rows_is_text(
    monkeypatch: pytest.MonkeyPatch, copied_sample: Project, script: Callable[[], None]
) -> None:
    _plant(copied_sample.root)
    commit(copied_sample.root, f"A message with {HTML}", 9)
    monkeypatch.setenv("CODETUNE_PROJECT", str(copied_sample.root))
    page = AppTest.from_function(script, default_timeout=60).run()
    words(page)
    for element in [*page.markdown, *page.caption, *page.info, *page.warning]:
        assert not re.search(r"(?<!\\)(<(img|script)|\*\*bold|:red\[)", element.value), "not escaped"
        assert not getattr(element.proto, "allow_html", False)
    for element in page.get("html"):
        assert "<img" not in element.proto.body
        assert "<script" not in element.proto.body
    if script is not _compare:  # which shows no row
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


def test_failures_keep_their_details_from_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from codetune.app import project

    def broken() -> None:
        raise RuntimeError("secret detail")

    root = build_empty(tmp_path / "p").root
    monkeypatch.setenv("CODETUNE_PROJECT", str(root))
    for script in (_compare, _try):
        monkeypatch.setattr(project, "revisions", broken)
        page = AppTest.from_function(script, default_timeout=60).run()
        assert not page.exception
        assert "This page failed" in page.error[0].value
        assert "secret" not in page.error[0].value


def test_a_folder_that_is_gone_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = build_empty(tmp_path / "p").root
    monkeypatch.setenv("CODETUNE_PROJECT", str(root))
    shutil.rmtree(root)
    for script in (_compare, _try):
        page = AppTest.from_function(script, default_timeout=60).run()
        assert not page.exception
        assert page.error or page.info
