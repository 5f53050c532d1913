"""The service's address as this machine can reach it: as it is, or forwarded from inside the cluster."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from infra.errors import UserError

INSIDE = re.compile(r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc")
FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ->")


def forward_command(url: str, port: str = "") -> list[str] | None:
    """``kubectl port-forward`` for an address that only pods can use; None for any other.

    port: of this machine, any free one when it is empty.
    """
    parts = urlsplit(url)
    inside = INSIDE.fullmatch(parts.hostname or "")
    if inside is None:
        return None
    where, what = ["--namespace", inside["namespace"]], f"service/{inside['service']}"
    return ["kubectl", "port-forward", *where, what, f"{port}:{parts.port or 80}"]


@contextmanager
def reachable(url: str, environment: Mapping[str, str]) -> Iterator[str]:
    """An address that answers here while the context lasts. Raises UserError where none can be had."""
    command = forward_command(url)
    if command is None:
        yield url
        return
    process = subprocess.Popen(
        [*command, "--address", "127.0.0.1"],
        env=dict(environment),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield f"http://{_address(process, url)}"
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def asking(stack: str, url: str, environment: Mapping[str, str], seconds: float) -> Iterator[httpx.Client]:
    """A client of one of the stack's servers, which may take so many seconds for an answer. Raises UserError
    where it does not answer."""
    with reachable(url, environment) as address, httpx.Client(base_url=address, timeout=seconds) as client:
        try:
            yield client
        except httpx.TransportError as error:
            raise UserError.of(url, f"does not answer: {error}", f"slipway status {stack}") from None


def accepted(stack: str, answer: httpx.Response) -> httpx.Response:
    """The answer of one of the stack's servers. Raises UserError for a refusal."""
    if answer.is_error:
        what = f"answered {answer.status_code}: {answer.text.strip()[:300]}"
        raise UserError.of(str(answer.request.url), what, f"slipway status {stack}")
    return answer


def _address(process: subprocess.Popen[str], url: str) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if found := FORWARDING.match(line):
        return found[1]
    _, said = process.communicate()
    raise UserError.of(url, f"cannot be forwarded: {said.strip()}", "slipway status says what runs")
