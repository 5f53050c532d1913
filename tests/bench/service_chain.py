"""What the middleware chain costs: the same application with and without it, and Redis round trips.

Two real servers (uvicorn as in production, one process each) on the same PostgreSQL and Redis, asked in turn
over a kept connection, one request at a time, by a client that does little: what is compared is the time to
an answer as a client has it. The route that answers at once shows the chain itself; the list of categories,
which asks the database, is what people use. Needs no sandbox.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core import logs
from app.core.auth.users import DEVELOPER_ID, Identity, Role
from app.core.cache import Cache
from app.core.metrics import Metrics
from app.core.redis import RedisLink
from app.ledger.settings import LedgerSettings
from app.main import make_context, make_server
from tests.app.conftest import DATABASE, DEV_TOKEN, SECRET_KEY, run_migrations
from tests.app.redis_commands import commands
from tests.app.servers import Postgres, RedisServer, free_port, listens, wait_for

ROUNDS = 40
REQUESTS = 100  # of one round and one server
ROUTES = {"answers at once": "/bench", "asks the database": "/categories"}
AIM = 1.6  # times the bare route's time to an answer, at the median (issue 5)
PLENTY = "100000000"
DEVELOPER = Identity(DEVELOPER_ID, "dev@localhost", Role.ADMIN)


def serve(kind: str) -> None:
    """One server until it is told to stop: ``whole``, or ``bare`` without any middleware."""
    from app.settings import Settings  # reads the environment that main() has set

    settings = Settings()
    logs.configure(settings.log_level, settings.secrets())
    context = make_context(settings, {"ledger": LedgerSettings()})
    server = make_server(context)
    app = server.config.app
    app.add_api_route("/bench", answer, methods=["GET"])  # type: ignore[union-attr]
    if kind == "bare":
        app.user_middleware.clear()  # type: ignore[union-attr]
        app.add_middleware(Known)  # type: ignore[union-attr]
    server.run()


async def answer() -> dict[str, str]:
    """A route without any work."""
    return {"answer": "at once"}


class Known:
    """In the chain's place: says who asks, which routes with a user need, and does nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As IdentityMiddleware, for the one token there is."""
        scope.setdefault("state", {}).update(identity=DEVELOPER, token_error=None)
        await self._app(scope, receive, send)


class Client:
    """One kept connection to the server with this pid; reads an answer by its Content-Length."""

    def __init__(self, port: int, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()

    def processor(self) -> float:
        """Seconds of processor time that the server has used (proc(5): utime and stime)."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def seconds(self, path: str) -> float:
        """From the request to the last byte of its answer, which must be 200."""
        head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\r\n".encode()
        begun = time.perf_counter()
        self._socket.sendall(head)
        said = b""
        while not whole(said):
            said += self._socket.recv(65_536)
        taken = time.perf_counter() - begun
        if not said.startswith(b"HTTP/1.1 200"):
            raise SystemExit(said.decode())
        return taken


def whole(said: bytes) -> bool:
    """Whether the bytes are a complete answer."""
    head, end, body = said.partition(b"\r\n\r\n")
    _, _, rest = head.lower().partition(b"content-length: ")
    return bool(end) and len(body) >= int(rest.split(b"\r\n")[0])


@contextmanager
def running(kind: str, environment: dict[str, str]) -> Iterator[Client]:
    """A server of this kind and a connection to it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.service_chain", kind],
        env=environment | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: process.poll() is None and listens(port), f"the {kind} server answers")
        with closing(Client(port, process.pid)) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def measured(clients: dict[str, Client], path: str) -> dict[str, float]:
    """Of each server the milliseconds at p50 and, with _cpu, the processor time of one request; rounds in
    turn, so that whatever else runs here slows all alike."""
    taken: dict[str, list[float]] = {kind: [] for kind in clients}
    used = dict.fromkeys(clients, 0.0)
    for number in range(ROUNDS + 1):
        for kind, client in clients.items():
            before = client.processor()
            times = [client.seconds(path) for _ in range(REQUESTS)]
            if number:  # the first round warms up
                taken[kind] += times
                used[kind] += client.processor() - before
    name = path.strip("/")
    found = {f"{name}_{kind}_ms": 1000 * statistics.median(times) for kind, times in taken.items()}
    return found | {f"{name}_{kind}_cpu_ms": 1000 * used[kind] / len(taken[kind]) for kind in clients}


async def round_trips(address: str) -> float:
    """Commands Redis gets for one cache hit."""
    cache = Cache(RedisLink(address), Metrics("bench", "bench"))

    async def value() -> str:
        return "value"

    await cache.get_or_compute("bench", 60, value)
    async with commands(address) as seen:
        for _ in range(REQUESTS):
            await cache.get_or_compute("bench", 60, value)
    await cache.close()
    return len(seen.asked) / REQUESTS


async def chain_round_trips(client: Client, address: str) -> float:
    """Commands Redis gets for one request through the whole chain: the rate limit's check."""
    async with commands(address) as seen:
        for _ in range(REQUESTS):
            client.seconds("/bench")
    return len(seen.asked) / REQUESTS


def prepared(stack: ExitStack) -> dict[str, str]:
    """The environment of a server with a PostgreSQL and a Redis that end with the stack."""
    postgres, redis = Postgres(), RedisServer()
    for server in (postgres, redis):
        stack.callback(server.remove)
        server.start()
    postgres.create(DATABASE)
    run_migrations(postgres.address("owner", DATABASE))
    return os.environ | {
        "ENVIRONMENT": "development",
        "HOST": "127.0.0.1",
        "SECRET_KEY": SECRET_KEY,
        "DEV_TOKEN": DEV_TOKEN,
        "DATABASE_URL": postgres.address("service", DATABASE),
        "REDIS_URL": redis.address,
        "JOB_CONCURRENCY": "0",
        **{f"RATE_LIMIT_PER_{window}": PLENTY for window in ("HOUR", "DAY")},
        "RATE_LIMIT_PER_MINUTE": "1000000",
    }


def figures() -> dict[str, float]:
    """Milliseconds by route and server, and round trips."""
    with ExitStack() as stack:
        environment = prepared(stack)
        address = environment["REDIS_URL"]
        clients = {kind: stack.enter_context(running(kind, environment)) for kind in ("bare", "whole")}
        found: dict[str, float] = {}
        for path in ROUTES.values():
            found |= measured(clients, path)
        found["rate_limit_round_trips"] = asyncio.run(chain_round_trips(clients["whole"], address))
        found["cache_hit_round_trips"] = asyncio.run(round_trips(address))
        return found


def main() -> dict[str, float]:
    """Print one line per figure; return all."""
    found = figures()
    for meaning, path in ROUTES.items():
        for what, suffix in (("to an answer", "_ms"), ("of processor", "_cpu_ms")):
            bare, chain = (found[f"{path.strip('/')}_{kind}{suffix}"] for kind in ("bare", "whole"))
            print(f"time {what}, a route that {meaning}".ljust(52) + f"{bare:7.3f} ms  1.0")
            print("  with the whole middleware chain".ljust(52) + f"{chain:7.3f} ms  {chain / bare:.2f}")
            if suffix == "_ms":
                said = "met" if chain / bare <= AIM else "missed"
                print(f"  aim {said}: at most {AIM} times as long")
    for name in ("rate_limit_round_trips", "cache_hit_round_trips"):
        print(name.replace("_", " ").ljust(52) + f"{found[name]:7.2f}")
    return found


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(sys.argv[1])
    else:
        main()
