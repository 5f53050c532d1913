"""Asks a part's own health endpoint, once and quickly; parts.py repeats the question."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

import grpc

TIMEOUT_SECONDS = 2.0
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}


def http_answers(address: str, port: int, path: str) -> str | None:
    """None when ``http://address:port/path`` answers 200, otherwise what is amiss."""
    return _asked(http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS), path)


def https_answers(address: str, port: int, path: str, authority: Path) -> str | None:
    """The same over TLS; the server must show a certificate of ``authority`` for that address."""
    context = ssl.create_default_context(cafile=str(authority))
    return _asked(http.client.HTTPSConnection(address, port, timeout=TIMEOUT_SECONDS, context=context), path)


def grpc_serves(socket: Path) -> str | None:
    """None when the gRPC health service on a Unix socket says SERVING."""
    if not socket.exists():
        return f"{socket} does not exist yet"
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            answer: bytes = check(b"", timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return str(error.code())
    return None if answer == _SERVING else f"answered {answer!r}"


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
