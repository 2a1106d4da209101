"""A server that answers as the Hugging Face Hub does, as far as huggingface_hub asks it to create, write and read."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WRITER, READER = "hf_writer", "hf_reader"
"""Tokens: of one who may write to repositories of anna, and of one who may not."""


@dataclass
class Repo:
    """commits: the files of each, by its number, the oldest first."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes], message: str = "") -> str:
        last = [*self.commits.values()][-1] if self.commits else {}
        number = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits[number] = {**last, **files}
        self.messages.append(message)
        return number

    def at(self, revision: str) -> str | None:
        """The number of a commit, or of the newest."""
        numbers = [*self.commits]
        return numbers[-1] if revision == "main" and numbers else revision if revision in numbers else None


@dataclass
class Hub:
    """What is there, and what was asked."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


class _Refused(Exception):
    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {self.path}")
        try:
            status, headers, content = self._found()
        except _Refused as error:
            status, headers, content = error.status, {"X-Error-Code": error.code} if error.code else {}, b"{}"
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = _answer

    def _found(self) -> tuple[int, dict[str, str], bytes]:
        path, hub = self.path, self.hub
        if path == "/api/validate-yaml":
            assert json.loads(self.body)["content"].startswith("---\n")
            return _json({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            self._writes()
            asked = json.loads(self.body)
            name = f"{asked['organization']}/{asked['name']}"
            hub.repos[name] = Repo(asked.get("visibility") == "private" or bool(asked.get("private")))
            return _json({"url": f"{hub.url}/{name}", "name": name})
        if found := re.fullmatch(r"/lfs/(\w+)", path):
            assert hashlib.sha256(self.body).hexdigest() == found[1]
            hub.blobs[found[1]] = self.body
            return _json({})
        if found := re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", path):
            self._writes()
            objects = [
                {**o, "actions": {"upload": {"href": f"{hub.url}/lfs/{o['oid']}"}}} for o in self._json("objects")
            ]
            return _json({"transfer": "basic", "objects": objects})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", path):
            self._writes()
            modes = {True: "lfs", False: "regular"}
            files = [
                {"path": f["path"], "uploadMode": modes[f["path"].endswith(".safetensors")], "shouldIgnore": False}
                for f in self._json("files")
            ]
            return _json({"files": files})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self._writes()
            number = self._committed(found[1])
            return _json({"commitUrl": f"{hub.url}/{found[1]}/commit/{number}", "commitOid": number})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            repo = self._repo(found[1])
            return _json({"id": found[1], "private": repo.private, "sha": repo.at("main"), "tags": [], "siblings": []})
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            repo = self._repo(found[1])
            if (number := repo.at(found[2])) is None:
                raise _Refused(404, "RevisionNotFound")
            if (content := repo.commits[number].get(found[3])) is None:
                raise _Refused(404, "EntryNotFound")
            return 200, {"X-Repo-Commit": number, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}, content
        raise _Refused(404)

    def _json(self, key: str) -> list[Any]:
        found: list[Any] = json.loads(self.body)[key]
        return found

    def _token(self) -> str:
        return str(self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _writes(self) -> None:
        if self._token() != WRITER:
            raise _Refused(403 if self._token() == READER else 401)

    def _repo(self, name: str) -> Repo:
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and self._token() != WRITER):
            raise _Refused(404 if self._token() else 401, "RepoNotFound")
        return repo

    def _committed(self, name: str) -> str:
        files, message = {}, ""
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                message = value["summary"]
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                files[value["path"]] = self.hub.blobs[value["oid"]]
        return self.hub.repos[name].commit(files, message)


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


@contextmanager
def stub() -> Iterator[Hub]:
    """The server, until the block ends; its `url` then leads nowhere."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
