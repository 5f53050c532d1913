"""An identity provider on the loopback: real RSA keys, real tokens, a real HTTP server for the key set."""

from __future__ import annotations

import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt.api_jws
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://clerk.example.org"
AUDIENCE = "household"


@cache
def private_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """One key for each name, made once in a session."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def jwk(name: str, **changed: Any) -> dict[str, Any]:
    """The public half as a JWK; a field that is None is left out."""
    entry = json.loads(RSAAlgorithm.to_jwk(private_key(name).public_key()))
    entry |= {"kid": name, "use": "sig", "alg": "RS256"} | changed
    return {field: value for field, value in entry.items() if value is not None}


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims of alice's; a claim that is None is left out."""
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user_alice",
        "email": "alice@example.org",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def token(key: str = "first", headers: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token signed with this key, whose name is also its id; whatever the claims, they are signed."""
    payload = json.dumps(claims(**changed)).encode()
    return jwt.api_jws.encode(payload, private_key(key), "RS256", headers={"kid": key} | (headers or {}))


class Provider:
    """Answers every GET with ``body`` and ``status``, and counts them; a closed ``gate`` holds it up.
    ``parents`` are the traceparent headers of those that had one."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.requests = 0
        self.parents: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.publish("first")
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def publish(self, *names: str) -> None:
        """The keys of these names, and no others."""
        self.body = json.dumps({"keys": [jwk(name) for name in names]}).encode()

    @property
    def url(self) -> str:
        """Where the key set is."""
        return f"http://127.0.0.1:{self._port}/.well-known/jwks.json"

    def start(self) -> None:
        """Serves in threads of its own; again on the same port after ``stop``."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests += 1
                provider.parents += self.headers.get_all("traceparent") or []
                provider.gate.wait(30)
                self.send_response(provider.status)
                self.send_header("Content-Length", str(len(provider.body)))
                self.end_headers()
                self.wfile.write(provider.body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = False
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()

    def stop(self) -> None:
        """Nobody listens any more."""
        self.gate.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
