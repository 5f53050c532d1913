"""Asks a part's own health endpoint, once and quickly; parts.py repeats the question."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
from pathlib import Path

import grpc

TIMEOUT_SECONDS = 2.0
DNS_SECONDS = 0.5  # a lost datagram is asked again soon
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}


def http_answers(address: str, port: int, path: str) -> str | None:
    """None when ``http://address:port/path`` answers 200, otherwise what is amiss."""
    return _asked(http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS), path)


def https_answers(address: str, port: int, path: str, authority: Path) -> str | None:
    """The same over TLS; the server must show a certificate of ``authority`` for that address."""
    context = ssl.create_default_context(cafile=str(authority))
    return _asked(http.client.HTTPSConnection(address, port, timeout=TIMEOUT_SECONDS, context=context), path)


def grpc_serves(path: Path) -> str | None:
    """None when the gRPC health service on a Unix socket says SERVING."""
    if not path.exists():
        return f"{path} does not exist yet"
    with grpc.insecure_channel(f"unix:{path}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            answer: bytes = check(b"", timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return str(error.code())
    return None if answer == _SERVING else f"answered {answer!r}"


class LocalConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


def dns_resolves(server: str, name: str) -> str | None:
    """None when the server gives an address for the name (RFC 1035 over UDP), otherwise what is amiss."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = (
        secrets.token_bytes(2) + b"\x01\x00" + b"\x00\x01" + bytes(6) + labels + b"\x00\x00\x01\x00\x01"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(DNS_SECONDS)
        try:
            line.connect((server, 53))
            line.send(question)
            answer = line.recv(512)
        except OSError as error:
            return f"{server} does not answer for {name}: {error}"
    code, answers = answer[3] & 0x0F, int.from_bytes(answer[6:8], "big")
    if answer[:2] != question[:2] or code or not answers:
        return f"{server} does not know {name} (code {code})"
    return None


def _asked(connection: http.client.HTTPConnection, path: str) -> str | None:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read(200).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{path}: {error}"
    finally:
        connection.close()
    return None if answer.status == 200 else f"{path}: {answer.status} {said}"
