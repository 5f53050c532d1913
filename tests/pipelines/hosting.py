"""A git server on this machine: a bare repository behind `git http-backend`, for who has the token alone."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

IDENTITY = ("-c", "user.email=test@example.com", "-c", "user.name=test")


def git(folder: Path, *arguments: str) -> str:
    """What git says there."""
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        if self.headers.get("Authorization") != self.server.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        command = ["git", "http-backend"]
        said = subprocess.run(command, env=self._cgi(), input=body, capture_output=True, check=True)
        head, _, rest = said.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)

    do_GET = do_POST = _answer  # noqa: N815  http.server's own names

    def _cgi(self) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "somebody",  # who may push, for git http-backend
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
        }

    def log_message(self, *_: Any) -> None:
        """Nothing: what was asked is seen in the repository."""


class _Server(ThreadingHTTPServer):
    def __init__(self, folder: Path, wanted: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.wanted = folder, wanted


@contextmanager
def serving(folder: Path, user: str, token: str) -> Iterator[str]:
    """The address of the repositories below ``folder``; without user and token 401."""
    server = _Server(folder, f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
