"""nginx.conf as a text: nginx itself accepts every one, and refuses a broken one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import nginx as files
from infra.errors import UserError
from infra.render import generate
from infra.render import nginx as render
from infra.render.validate import RenderError
from infra.settings.model import Settings
from infra.settings.stack import Environment
from tests.infra.mocks import settings

pytestmark = [pytest.mark.integration, pytest.mark.own_servers]
IN_FRONT = generate.in_front(generate.profile(Environment.PROD))
LONG = ".".join(["a" * 63] * 3 + ["b" * 59, "c"])  # 253 characters


def behind(service: dict[str, Any] | None = None, **ingress: Any) -> Settings:
    own = {"type": "NodePort", "trusted_proxies": ["10.0.0.0/24"], **(service or {})}
    nginx = {"upstreams": ["10.0.0.11:30080"], **ingress.pop("nginx", {})}
    way = {"kind": "nginx", "hosts": ["ledger.example.com"], "nginx": nginx, **ingress}
    return settings("ledger-staging", service=own, ingress=way)


STACKS: dict[str, dict[str, Any]] = {
    "as few keys as may be": {},
    "many hosts, and long ones": {"hosts": [LONG, *(f"h{number}.example.com" for number in range(100))]},
    "names for upstreams": {"nginx": {"upstreams": ["node-1:30080", "node-2.example.com:30080"]}},
    "the same port everywhere": {"nginx": {"upstreams": ["10.0.0.11:30080", "10.0.0.12:30080"]}},
    "its own certificate": {"nginx": {"certificate": "/etc/tls/a.pem", "certificate_key": "/etc/tls/a.key"}},
    "the least": {"body_limit_megabytes": 1, "timeout_seconds": 1, "nginx": {"requests_per_second": 1}},
    "the most": {
        "body_limit_megabytes": 1024,
        "timeout_seconds": 3600,
        "nginx": {"requests_per_second": 100_000},
    },
    "proxies of both kinds": {"service": {"trusted_proxies": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]}},
}


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_nginx_itself_accepts_what_is_rendered(stack: dict[str, Any]) -> None:
    wanted = behind(**stack)
    assert files.checked(wanted) == render.text(wanted)


def test_the_sandbox_may_have_an_nginx_in_front_since_that_is_outside_of_it() -> None:
    service = {"type": "NodePort", "node_port": 30080, "trusted_proxies": ["10.201.0.0/24"]}
    nginx = {"upstreams": ["10.201.0.2:30080"]}
    way = {"kind": "nginx", "hosts": ["ledger.example.com"], "nginx": nginx}
    assert "server 10.201.0.2:30080 " in files.checked(settings("sandbox", service=service, ingress=way))


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("server_tokens off;", "server_token off;", 'unknown directive "server_token"'),
        ("server_tokens off;", "server_tokens off", "invalid number of arguments|invalid value"),
        ("keepalive 32;", "keepalive many;", "invalid value"),
        ("rate=50r/s", "rate=r/s", "invalid rate"),
        ("ssl_certificate_key ", "ssl_certificate_key /none", "cannot load certificate key"),
        ("gzip on;", "gzip on; gzip on;", "duplicate"),
        (
            "127.0.0.1:20080;\n        server_name ledger",
            "127.0.0.1:20080;\n        server_name _ ledger",
            "conflicting",
        ),
    ],
)
def test_a_broken_configuration_is_a_bug_in_nginx_own_words(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    tls = files.own_certificate(tmp_path, IN_FRONT.ingress.hosts)
    text = render.text(IN_FRONT, files.place(tmp_path), tls, files.here(IN_FRONT))
    files.accepted(text, tmp_path)
    assert right in text
    with pytest.raises(RenderError, match=f"nginx.conf: .*({said})"):
        files.accepted(text.replace(right, wrong), tmp_path)


def test_a_stack_with_another_way_in_has_no_nginx() -> None:
    with pytest.raises(
        UserError, match=r"slipway:ingress\.kind: ingress, and hosts are a\.example\.com"
    ) as caught:
        files.checked(settings("ledger-staging", ingress={"hosts": ["a.example.com"]}))
    assert str(caught.value).endswith("set kind: nginx, and name the hosts")


def test_without_nginx_nothing_is_handed_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(files, "SBIN", str(tmp_path))
    with pytest.raises(UserError, match="nginx: is not on this machine"):
        files.checked(IN_FRONT)


def test_who_refused_is_asked_again_before_the_next_replica_has_drained() -> None:
    drains = {generate.profile(environment).service.rollout.drain_seconds for environment in Environment}
    assert min(drains) >= render.FAIL_SECONDS


@pytest.mark.parametrize("place", [render.MACHINE, files.place(Path("/x"))])
def test_the_check_differs_from_what_is_written_in_places_alone(place: render.Place) -> None:
    text = render.text(IN_FRONT, place)
    paths = [place.log, place.state, place.run, place.challenges]
    kept = [
        line
        for line in text.splitlines()
        if not any(f" {path}/" in line or line.endswith(f" {path};") for path in paths)
        and "listen " not in line
        and "return 308" not in line
        and not line.startswith("user ")
    ]
    assert len(kept) > 100
    assert kept == [line for line in render.text(IN_FRONT).splitlines() if line in set(kept)]
