"""A real nginx on the loopback, with the rendered configuration, in front of real replicas of the service."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra import nginx as files
from infra.render import generate
from infra.render import nginx as render
from infra.settings.model import Settings
from infra.settings.stack import Environment
from tests.app.conftest import postgres, redis
from tests.app.replicas import Service
from tests.app.servers import Postgres, RedisServer, Server, free_port, listens

__all__ = ["postgres", "redis"]
HOST = "ledger.example.com"
PEER, STRANGER = "127.0.0.1", "127.0.0.2"
SEEN = "tests.infra.nginx.seen"
Start = Callable[..., "Nginx"]


def in_front(**ingress: Any) -> Settings:
    """A stack behind nginx that trusts PEER alone; nobody is refused for asking often unless told so."""
    settings = generate.in_front(generate.profile(Environment.PROD))
    nginx = ingress.pop("nginx", {"requests_per_second": 10_000})
    changed = {**ingress, "nginx": settings.ingress.nginx.model_copy(update=nginx)}
    service = settings.service.model_copy(update={"trusted_proxies": (f"{PEER}/32",)})
    way = settings.ingress.model_copy(update=changed)
    return settings.model_copy(update={"ingress": way, "service": service})


class Nginx(Server):
    """One nginx of this test's, never the machine's own."""

    def __init__(self, settings: Settings, *upstreams: int) -> None:
        super().__init__("nginx")
        self.plain_port = free_port()
        place = files.place(self.folder, http=self.plain_port, https=self.port)
        tls = files.own_certificate(self.folder, settings.ingress.hosts)
        text = render.text(settings, place, tls, tuple(f"127.0.0.1:{port}" for port in upstreams))
        files.accepted(text, self.folder)

    def command(self) -> list[str]:
        """In the foreground, so that it ends with its process."""
        file = self.folder / render.FILE
        return [files.program(), "-p", str(self.folder), "-c", str(file), "-e", "stderr", "-g", "daemon off;"]

    def answers(self) -> bool:
        """Whether both ports take connections."""
        return listens(self.port) and listens(self.plain_port)

    def client(self, peer: str = PEER) -> httpx.Client:
        """Somebody at ``peer`` who trusts the certificate's authority and asks for HOST."""
        context = ssl.create_default_context(cafile=self.folder / f"{files.AUTHORITY}.crt")
        transport = httpx.HTTPTransport(verify=context, local_address=peer)
        return httpx.Client(
            transport=transport, base_url=f"https://127.0.0.1:{self.port}", headers={"Host": HOST}
        )

    def ask(self, path: str, peer: str = PEER, method: str = "GET", **more: Any) -> httpx.Response:
        """One request by https on a connection of its own."""
        with self.client(peer) as client:
            return client.request(method, path, extensions={"sni_hostname": HOST}, **more)

    def said(self) -> str:
        """The access log."""
        return (self.folder / "access.log").read_text()


@pytest.fixture(scope="module")
def replicas(postgres: Postgres, redis: RedisServer) -> Iterator[list[Service]]:
    """Two running replicas that believe PEER."""
    made = [Service(postgres, redis, SEEN, TRUSTED_PROXIES=f"{PEER}/32") for _ in range(2)]
    try:
        for each in made:
            each.start()
        yield made
    finally:
        for each in made:
            each.remove()


@pytest.fixture(scope="module")
def start(replicas: list[Service]) -> Iterator[Start]:
    """``start(timeout_seconds=1)``: an nginx with these settings of ``ingress`` before the replicas or
    before what listens on the ports."""
    made: list[Nginx] = []

    def run(*upstreams: int, **ingress: Any) -> Nginx:
        ports = upstreams or [each.port for each in replicas]
        made.append(Nginx(in_front(**ingress), *ports))
        made[-1].start()
        return made[-1]

    yield run
    for each in made:
        each.remove()


@pytest.fixture(scope="module")
def nginx(start: Start) -> Nginx:
    """With small bodies."""
    return start(body_limit_megabytes=1)
