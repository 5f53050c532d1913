"""Faults that a test makes on the watched stack, each with the one alert that is told of it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from infra.sandbox.config import SandboxConfig
from tests.infra.monitoring import tls
from tests.live.monitoring import disk
from tests.live.monitoring.watched import Watched

ENTRY = {"date": "2020-01-01", "amount": "1.25", "type": "expense", "description": "slow"}
SLOW_SECONDS = 11  # longer than the 10 s from which a request counts as slow
PAUSE_SECONDS = 0.5
DUMPS = "backup-database"
DAYS_LEFT = timedelta(days=5)
Lasting = Callable[[Watched], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """``lasting``: in this context something is wrong. ``seen_seconds``: until the figures show it, before
    the alert's own time begins. ``slack``: whether Slack hears of it."""

    alert: str
    lasting: Lasting
    seen_seconds: int = 15
    slack: bool = True


def scaled_away(what: str, back: int = 1) -> Lasting:
    """No pod of a part, and nobody who makes one."""

    @contextmanager
    def lasting(stack: Watched) -> Iterator[None]:
        stack.scale(what, 0)
        try:
            yield
        finally:
            stack.scale(what, back)

    return lasting


@contextmanager
def asked(stack: Watched, ask: Callable[[httpx.Client], httpx.Response]) -> Iterator[None]:
    """Somebody asks the service all the time, and takes any answer but that the question was wrong."""
    over = threading.Event()
    refused: list[str] = []

    def run() -> None:
        with stack.client() as client:
            while not over.wait(PAUSE_SECONDS):
                try:
                    answer = ask(client)
                except httpx.TransportError:  # no answer is one as well
                    continue
                if answer.is_client_error:
                    refused.append(answer.text)

    askers = [threading.Thread(target=run) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        yield
    finally:
        over.set()
        for asker in askers:
            asker.join()
        assert not refused, refused[0]  # also where the alert was waited for in vain: then this is why


@contextmanager
def answers_500(stack: Watched) -> Iterator[None]:
    """A table has another name, as after a migration that was undone by half."""
    with asked(stack, lambda client: client.get("/transactions")):
        stack.sql("ALTER TABLE transactions RENAME TO transactions_away")
        try:
            yield
        finally:
            stack.sql("ALTER TABLE transactions_away RENAME TO transactions")


@contextmanager
def answers_slowly(stack: Watched) -> Iterator[None]:
    """Each new row waits, as behind a trigger that somebody wrote in a hurry."""
    stack.sql(
        f"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_sleep({SLOW_SECONDS}); RETURN NEW; END $$; "
        "CREATE TRIGGER slow BEFORE INSERT ON transactions FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    try:
        with asked(stack, lambda client: client.post("/transactions", json=ENTRY)):
            yield
    finally:
        stack.sql("DROP FUNCTION slow CASCADE")


@contextmanager
def receiver_refuses(stack: Watched) -> Iterator[None]:
    """Slack takes nothing any more, and something is to be told."""
    stack.sinks.slack.refuses = True
    try:
        answer = stack.team.slipway("alerts test")
        assert answer.returncode == 0, answer.stderr
        yield
    finally:
        stack.sinks.slack.refuses = False


@contextmanager
def certificate_ends(stack: Watched) -> Iterator[None]:
    """Somebody logs in at the cluster with a certificate that ends within a week."""
    config = SandboxConfig()
    file = tls.certificate(stack.team.folder, "system:visitor", DAYS_LEFT, config.pki / "ca")
    context = ssl.create_default_context(cafile=str(config.pki / "ca.crt"))
    context.load_cert_chain(file)

    def log_in(_: httpx.Client) -> httpx.Response:
        with httpx.Client(verify=context) as visitor:
            return visitor.get(f"{config.api_url}/version").raise_for_status()

    with asked(stack, log_in):
        yield


@contextmanager
def no_dumps(stack: Watched) -> Iterator[None]:
    """Nobody makes any; afterwards one is made at once."""
    suspended = '{"spec": {"suspend": %s}}'
    stack.kubectl("patch", "cronjob", DUMPS, "--patch", suspended % "true")
    try:
        yield
    finally:
        # In this order: a CronJob makes up for what it missed, and one run holds up the other.
        answer = stack.team.slipway("backup now")
        stack.kubectl("patch", "cronjob", DUMPS, "--patch", suspended % "false")
        assert answer.returncode == 0, answer.stderr


FAULTS = {
    "PostgreSQL is killed and does not come back": Fault("DatabaseDown", scaled_away("statefulset/postgres")),
    "PostgreSQL's volume is full": Fault(
        "DatabaseVolumeNearlyFull", lambda stack: disk.filled(stack.disk), seen_seconds=90
    ),
    "Redis is stopped": Fault("CacheDown", scaled_away("statefulset/redis")),
    "the service answers 500": Fault("ServiceErrors", answers_500, seen_seconds=30),
    # Whoever waits asks seldom: for so long the quick answers before are the most of the rule's five minutes.
    "the service is slow": Fault("ServiceSlow", answers_slowly, seen_seconds=120),
    "the service has no replica": Fault("ServiceDown", scaled_away("deployment/service")),
    "Prometheus is stopped": Fault("PrometheusDown", scaled_away("statefulset/prometheus")),
    "Slack refuses messages": Fault("NotificationsFail", receiver_refuses, seen_seconds=60, slack=False),
    "a certificate is near its end": Fault("ClusterCertificateNearEnd", certificate_ends, seen_seconds=30),
}
