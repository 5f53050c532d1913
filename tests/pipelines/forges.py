"""GitHub's and GitLab's APIs as far as pipelines use them, on the loopback: they keep comments and issues."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Item = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Kept:
    """What a server holds and heard.

    faults: status and Retry-After of the next answers; failing: the method that always fails.
    """

    token: str
    bot: Item
    notes: list[Item] = field(default_factory=list)
    issues: list[Item] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    failing: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Every request that changed something."""
        return [(method, path) for method, path in self.heard if method != "GET"]


Route = tuple[str, str, Callable[[Kept, "re.Match[str]", Item], Answer]]


def _listed(items: list[Item], query: dict[str, list[str]]) -> list[Item]:
    size, page = int(query["per_page"][0]), int(query["page"][0])
    return items[size * (page - 1) : size * page]


def _found(items: list[Item], key: str, number: str) -> Item:
    return next(item for item in items if item[key] == int(number))


def _change(kept: Kept, match: re.Match[str], body: Item) -> Answer:
    _found(kept.notes, "id", match[1]).update(body)
    return 200, {}


def _remove(kept: Kept, match: re.Match[str], body: Item) -> Answer:
    kept.notes.remove(_found(kept.notes, "id", match[1]))
    return 204, None


def _github() -> list[Route]:
    repository = r"/repos/team/ledger/issues"

    def note(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        kept.notes.append({"id": next(kept.numbers), "user": kept.bot, "on": int(match[1]), **body})
        return 201, {}

    def issue(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        kept.issues.append({"number": next(kept.numbers), "user": kept.bot, "state": "open", **body})
        return 201, {}

    def change_issue(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        _found(kept.issues, "number", match[1]).update(body)
        return 200, {}

    return [
        ("POST", rf"{repository}/(\d+)/comments", note),
        ("PATCH", rf"{repository}/comments/(\d+)", _change),
        ("DELETE", rf"{repository}/comments/(\d+)", _remove),
        ("POST", repository, issue),
        ("PATCH", rf"{repository}/(\d+)", change_issue),
        ("GET", rf"{repository}/7/comments", lambda kept, *_: (200, kept.notes)),
        (
            "GET",
            repository,
            lambda kept, *_: (200, [each for each in kept.issues if each["state"] == "open"]),
        ),
    ]


def _gitlab() -> list[Route]:
    project, request = r"/api/v4/projects/42", r"/api/v4/projects/42/merge_requests/7/notes"

    def note(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        kept.notes.append({"id": next(kept.numbers), "author": kept.bot, "system": False, **body})
        return 201, {}

    def issue(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        kept.issues.append({"iid": next(kept.numbers), "author": kept.bot, "state": "opened", **body})
        return 201, {}

    def change_issue(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        closed = {"state": "closed"} if body.get("state_event") == "close" else body
        _found(kept.issues, "iid", match[1]).update(closed)
        return 200, {}

    def say(kept: Kept, match: re.Match[str], body: Item) -> Answer:
        kept.notes.append({"id": next(kept.numbers), "author": kept.bot, "system": False, **body})
        return 201, {}

    opened = lambda kept, *_: (200, [each for each in kept.issues if each["state"] == "opened"])  # noqa: E731
    return [
        ("GET", r"/api/v4/user", lambda kept, *_: (200, kept.bot)),
        ("POST", request, note),
        ("PUT", rf"{request}/(\d+)", _change),
        ("DELETE", rf"{request}/(\d+)", _remove),
        ("GET", request, lambda kept, *_: (200, kept.notes)),
        ("POST", rf"{project}/issues", issue),
        ("PUT", rf"{project}/issues/(\d+)", change_issue),
        ("POST", rf"{project}/issues/(\d+)/notes", say),
        ("GET", rf"{project}/issues", opened),
    ]


class _Handler(BaseHTTPRequestHandler):
    kept: Kept
    routes: list[Route]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own signature
        """Nothing: pytest shows what failed."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        parts = urlsplit(self.path)
        self.kept.heard.append((self.command, parts.path))
        status, data, after = self._decided(parts.path, parse_qs(parts.query), body)
        text = b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        if after:
            self.send_header("Retry-After", after)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _decided(self, path: str, query: dict[str, list[str]], body: Item) -> tuple[int, Any, str]:
        if self.kept.faults:
            status, after = self.kept.faults.pop(0)
            return status, {"message": "not now"}, after
        if self.command == self.kept.failing:
            return 502, {"message": "not now"}, ""
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get(
            "PRIVATE-TOKEN"
        )
        if sent != self.kept.token:
            return 401, {"message": "Bad credentials"}, ""
        for method, pattern, decide in self.routes:
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                status, data = decide(self.kept, match, body)
                return status, _listed(data, query) if isinstance(data, list) else data, ""
        return 404, {"message": "Not Found"}, ""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  http.server's own names


@contextmanager
def serving(kept: Kept, *, gitlab: bool = False) -> Iterator[str]:
    """The address of the API, served from a thread until the end."""
    routes = _gitlab() if gitlab else _github()
    handler = type("Handler", (_Handler,), {"kept": kept, "routes": routes})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{'/api/v4' if gitlab else ''}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def github() -> Kept:
    """GitHub, where jobs write as its bot."""
    return Kept("t0ken-of-the-job", {"login": "github-actions[bot]"})


def gitlab() -> Kept:
    """GitLab, where jobs write as the account of the project's token."""
    return Kept("t0ken-of-the-project", {"id": 99, "username": "project_42_bot"})
