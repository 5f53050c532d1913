"""A real nginx with the rendered configuration in front of the real service: what clients and service see."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from app.core.middleware.headers import SECURITY_HEADERS
from tests.app.replicas import Service
from tests.app.servers import wait_for
from tests.infra.nginx.conftest import HOST, PEER, STRANGER, Nginx, Start

pytestmark = [pytest.mark.integration, pytest.mark.own_servers]
TOO_LARGE = 1_048_577  # one byte more than a megabyte of nginx
ENOUGH = 200  # requests before, between and after the restarts


def values(answer: httpx.Response, name: str) -> list[str]:
    return answer.headers.get_list(name)


@pytest.mark.parametrize(
    ("peer", "sent", "client"),
    [
        (PEER, [], PEER),
        (PEER, ["198.51.100.1"], "198.51.100.1"),
        (PEER, ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        (PEER, ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        (PEER, [f"198.51.100.1, {PEER}"], "198.51.100.1"),
        (PEER, ["unknown"], PEER),
        (PEER, ["2001:db8::1"], "2001:db8::1"),
        (STRANGER, [], STRANGER),
        (STRANGER, ["198.51.100.1"], STRANGER),
        (STRANGER, [f"198.51.100.1, {PEER}"], STRANGER),
    ],
)
def test_the_service_sees_the_client_and_a_strangers_word_is_not_believed(
    nginx: Nginx, peer: str, sent: list[str], client: str
) -> None:
    headers = [("Host", HOST), *(("X-Forwarded-For", value) for value in sent)]
    told = nginx.ask("/seen", peer, headers=headers).json()
    assert told["client"] == client
    assert [value for name, value in told["headers"] if name == "x-forwarded-for"] == [client]


def test_the_service_is_told_host_and_scheme_and_no_word_of_the_clients_on_traces(nginx: Nginx) -> None:
    sent = {"Host": HOST, "traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "Forwarded": "for=1.1.1.1"}
    told = dict(nginx.ask("/seen", headers=sent | {"X-Forwarded-Proto": "http"}).json()["headers"])
    assert (told["host"], told["x-forwarded-host"], told["x-forwarded-proto"]) == (HOST, HOST, "https")
    assert {"traceparent", "tracestate", "forwarded"}.isdisjoint(told)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_plain_requests_are_sent_on_to_https_with_path_query_and_method(nginx: Nginx, method: str) -> None:
    answer = httpx.request(method, f"http://127.0.0.1:{nginx.plain_port}/a%20b?c=d", headers={"Host": HOST})
    wanted = f"https://{HOST}:{nginx.port}/a%20b?c=d"
    assert (answer.status_code, answer.headers["location"]) == (308, wanted)


def test_other_names_get_no_answer_and_no_certificate(nginx: Nginx) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{nginx.plain_port}/", headers={"Host": "other.example.com"})
    with (
        socket.create_connection(("127.0.0.1", nginx.port), 10) as raw,
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        ssl.create_default_context().wrap_socket(raw, server_hostname="other.example.com")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_spoken(nginx: Nginx, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=nginx.folder / "authority.crt")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", nginx.port), 10) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as spoken,
    ):
        assert spoken.version() == version.name.replace("_", ".")


def test_a_body_above_the_limit_is_refused_before_the_service_sees_it(
    nginx: Nginx, replicas: list[Service]
) -> None:
    answer = nginx.ask(
        "/seen", method="POST", content=b"x" * TOO_LARGE, headers={"Host": HOST, "X-Request-ID": "too-large"}
    )
    assert (answer.status_code, answer.headers["server"]) == (413, "nginx")
    smaller = nginx.ask("/seen", method="POST", content=b"x" * 1000)
    assert smaller.status_code == 200
    assert not [line for each in replicas for line in each.lines() if line.get("request_id") == "too-large"]


@pytest.mark.parametrize("path", ["/seen", "/nothing-there", "/metrics"])
def test_every_answer_has_each_security_header_once_whoever_gives_it(nginx: Nginx, path: str) -> None:
    answer = nginx.ask(path)
    assert {name: values(answer, name) for name in SECURITY_HEADERS} == {
        name: [value] for name, value in SECURITY_HEADERS.items()
    }


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/readiness", 404), ("/liveness", 404), ("/metrics", 404)]
)
def test_of_the_probes_the_world_sees_health_alone(nginx: Nginx, path: str, status: int) -> None:
    assert nginx.ask(path).status_code == status


def test_a_large_answer_is_packed_for_who_takes_it(nginx: Nginx) -> None:
    packed = nginx.ask("/seen", headers={"Host": HOST, "Accept-Encoding": "gzip"})
    plain = nginx.ask("/seen", headers={"Host": HOST, "Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 10


def test_the_log_names_the_path_and_never_the_query(nginx: Nginx) -> None:
    nginx.ask("/seen?token=of-somebody")
    wait_for(lambda: '"path":"/seen"' in nginx.said(), "the request's line", 5)
    assert "of-somebody" not in nginx.said()


def test_an_address_that_asks_too_often_is_told_so_and_others_are_served(start: Start) -> None:
    narrow = start(nginx={"requests_per_second": 1})
    statuses = [narrow.ask("/seen").status_code for _ in range(4)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses[2:]
    assert narrow.ask("/seen", STRANGER).status_code == 200


def test_an_answer_that_takes_too_long_is_504(start: Start) -> None:
    assert start(timeout_seconds=1).ask("/slow/5").status_code == 504


def steadily(nginx: Nginx, during: Callable[[], None]) -> Counter[int]:
    """The statuses of GETs sent one after the other while ``during`` runs, ENOUGH of them at least."""
    counted: Counter[int] = Counter()
    ended = threading.Event()

    def ask() -> None:
        with nginx.client() as client:
            while not ended.is_set() or counted.total() < ENOUGH:
                answer = client.get("/seen", extensions={"sni_hostname": HOST})
                counted[answer.status_code] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        during()
    finally:
        ended.set()
        asking.join(60)
    assert not asking.is_alive()
    return counted


@pytest.mark.slow
def test_replicas_are_restarted_one_after_the_other_and_no_get_fails(
    nginx: Nginx, replicas: list[Service]
) -> None:
    def restart() -> None:
        for each in replicas:
            each.terminate()
            assert each.exit_code() == 0
            each.start()
            wait_for(lambda one=each: one.readiness() == 200, "readiness")  # type: ignore[misc]

    assert set(steadily(nginx, restart)) == {200}


@pytest.mark.slow
def test_a_replica_that_is_killed_costs_no_get_an_answer(nginx: Nginx, replicas: list[Service]) -> None:
    def both_answer() -> bool:
        nginx.ask("/seen")
        served = nginx.said().splitlines()[-len(replicas) :]
        return all(any(f'"127.0.0.1:{each.port}"' in line for line in served) for each in replicas)

    def kill() -> None:
        victim = replicas[0].process
        assert victim is not None
        victim.kill()
        victim.wait(10)
        assert nginx.ask("/seen").status_code == 200
        replicas[0].start()

    wait_for(both_answer, "both replicas are asked again")
    assert set(steadily(nginx, kill)) == {200}


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 502)])
def test_what_may_have_been_done_by_a_replica_that_broke_off_is_asked_of_no_other(
    start: Start, replicas: list[Service], method: str, status: int
) -> None:
    with socket.create_server((PEER, 0)) as breaking:

        def break_off() -> None:
            connection, _ = breaking.accept()
            with connection:
                assert connection.recv(65_536).startswith(method.encode())

        taking = threading.Thread(target=break_off)
        taking.start()
        two = start(breaking.getsockname()[1], replicas[0].port)
        assert two.ask("/seen", method=method).status_code == status
        taking.join(10)
        assert not taking.is_alive()


def test_where_no_replica_is_left_the_answer_says_so(nginx: Nginx, replicas: list[Service]) -> None:
    for each in replicas:
        each.stop()
    answer = nginx.ask("/seen")
    assert answer.status_code == 502
    assert values(answer, "Strict-Transport-Security") == [SECURITY_HEADERS["Strict-Transport-Security"]]
