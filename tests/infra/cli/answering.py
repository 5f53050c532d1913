"""A stack whose Prometheus and Alertmanager are one server of this machine, and the command that asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from infra import stack as stacks
from infra.cli import verbs

Answers = Callable[[str, bytes], tuple[int, object]]  # path and body of the request → status, JSON


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, said = answers(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing on standard error."""

    return Handler


@contextmanager
def asked(answers: Answers, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every stack is watched by a server that gives these answers; its address."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers))
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{http.server_port}"
    outputs = {"namespace": namespace, "prometheus": url, "alertmanager": url}
    monkeypatch.setattr(stacks, "outputs", lambda _stack: outputs)
    monkeypatch.setattr(stacks, "environment", lambda _stack: {})
    yield url
    http.shutdown()
    thread.join()
    http.server_close()


def slipway(*arguments: str) -> Result:
    """The command in this process."""
    app = typer.Typer()
    verbs.register(app)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"})
