"""A server on the loopback address that answers the requests of huggingface_hub as the model hub does.

It keeps repositories in memory. The paths and answers are those that the client in this environment sends and reads.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_writes"
_REPO = r"/api/models/(?P<repo>[\w.-]+/[\w.-]+)"


@dataclass
class Hub:
    """The content of the hub.

    :param refuse: the status with which a request to a path that matches is refused.
    :param repositories: for each repository whether it is private, and its branches with their files.
    """

    refuse: dict[str, int] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    branches: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""

    def _answer(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def do_GET(self) -> None:
        repo = re.match(_REPO, self._path())
        known = repo is not None and repo["repo"] in self.hub.branches
        self._answer(
            {"id": repo["repo"], "sha": "0" * 40, "private": self.hub.private.get(repo["repo"], False)}
            if repo and known
            else {"error": "not found"},
            200 if known else 404,
        )

    def do_PUT(self) -> None:
        self.hub.uploads[self._path().rpartition("/")[2]] = self._body()
        self._answer({})

    def do_POST(self) -> None:
        body, path = self._body(), self._path()
        if refused := next((status for pattern, status in self.hub.refuse.items() if re.search(pattern, path)), None):
            self._answer({"error": "You do not have write access"}, refused)
            return
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        if path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._answer({"warnings": [], "errors": []})
        elif found := re.fullmatch(_REPO + "/branch/(?P<branch>.+)", path):
            self.hub.branches[found["repo"]][found["branch"]] = {}
            self._answer({})
        elif found := re.fullmatch(_REPO + "/preupload/(?P<branch>.+)", path):
            modes = [
                (one["path"], "lfs" if one["path"].endswith(("gguf", "tensors")) else "regular")
                for one in json.loads(body)["files"]
            ]
            self._answer({"files": [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes]})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._answer(
                {
                    "transfer": "basic",
                    "objects": [
                        {**one, "actions": {"upload": {"href": f"{self.hub.url}/put/{one['oid']}"}}}
                        for one in json.loads(body)["objects"]
                    ],
                }
            )
        elif found := re.fullmatch(_REPO + "/commit/(?P<branch>.+)", path):
            self._commit(found["repo"], found["branch"], [json.loads(line) for line in body.splitlines()])
        else:
            self._answer({"error": f"the stub has no {path}"}, 404)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization'] or 'me'}/{asked['name']}"
        new = name not in self.hub.branches
        if new:
            self.hub.branches[name] = {"main": {}}
            self.hub.private[name] = asked.get("visibility") == "private"
        self._answer({"url": f"{self.hub.url}/{name}"}, 200 if new else 409)

    def _commit(self, repo: str, branch: str, lines: list[dict[str, Any]]) -> None:
        files = self.hub.branches[repo][branch]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
            elif line["key"] == "header":
                self.hub.messages.append(value["summary"])
        self._answer({"commitUrl": f"{self.hub.url}/{repo}/commit/{'a' * 40}", "commitOid": "a" * 40})


@contextmanager
def hub_stub() -> Iterator[Hub]:
    """Serve an empty hub until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
