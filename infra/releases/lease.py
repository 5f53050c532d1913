"""One release of a stack at a time, on every machine: a Lease in the stack's namespace.

Kubernetes, coordination.k8s.io/v1: who holds it renews it; one that is not renewed for its duration is free.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from infra import stack as stacks
from infra.errors import UserError
from infra.kubectl import Place
from infra.releases.history import actor
from infra.sandbox.processes import identity

NAME = "service-release"
SECONDS = 15  # without a sign of life, after which the holder counts as gone
RENEW_SECONDS = 4.0
POLL_SECONDS = 1.0


class Lease:
    """Held until the context ends."""

    def __init__(self, where: Place) -> None:
        self.where = where
        started = identity(os.getpid())
        self.holder = f"{actor()}@{socket.gethostname()}/{os.getpid()}/{started.started if started else 0}"
        self._over = threading.Event()
        self.lost = False

    def renew(self) -> None:
        """Signs of life, until it is over or somebody else has taken it."""
        while not self._over.wait(RENEW_SECONDS):
            patch = [
                {"op": "test", "path": "/spec/holderIdentity", "value": self.holder},
                {"op": "replace", "path": "/spec/renewTime", "value": _now()},
            ]
            answer = self.where.kubectl("patch", "lease", NAME, "--type=json", "--patch", json.dumps(patch))
            self.lost = self.lost or (answer.returncode != 0 and "test failed" in answer.stderr.lower())

    def require(self) -> None:
        """Raises UserError where somebody else has taken it, since this machine was silent for too long."""
        if self.lost:
            what = f"{_holder(self.where)} has taken it over while this one was silent"
            raise UserError.of("release", what, f"see what is: slipway releases {self.where.stack}")

    def end(self) -> None:
        """Free for the next."""
        self._over.set()
        if not self.lost:
            self.where.kubectl("delete", "lease", NAME, "--ignore-not-found")


@contextmanager
def held(where: Place) -> Iterator[Lease]:
    """Raises UserError where another release is under way, or the stack is not up."""
    lease = Lease(where)
    try:
        _take(lease)
    except UserError:
        stacks.outputs_while_up(where.stack)  # where nothing is up, that is what there is to say
        raise
    threading.Thread(target=lease.renew, daemon=True).start()
    try:
        yield lease
    finally:
        lease.end()


def _take(lease: Lease) -> None:
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": lease.where.namespace},
        "spec": {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": SECONDS,
            "acquireTime": _now(),
            "renewTime": _now(),
        },
    }
    if lease.where.kubectl("create", "--filename", "-", stdin=json.dumps(body)).returncode == 0:
        return
    found = _found(lease.where)
    if found is not None:
        _wait_until_free(lease.where, found)
        body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]  # type: ignore[index]
        if lease.where.kubectl("replace", "--filename", "-", stdin=json.dumps(body)).returncode == 0:
            return
    lease.where.said("create", "--filename", "-", stdin=json.dumps(body))  # says why not


def _wait_until_free(where: Place, found: Any) -> None:
    """Returns once the holder is certainly gone. Raises UserError where it gives a sign of life."""
    holder, seen = found["spec"]["holderIdentity"], found["spec"]["renewTime"]
    end = time.monotonic() + SECONDS
    while not _is_dead(holder) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        again = _found(where)
        if again is None:
            return
        if again["spec"]["renewTime"] != seen:
            raise UserError.of(
                f"release of {where.stack}",
                f"another one is under way: {holder.partition('/')[0]}, since {found['spec']['acquireTime']}",
                f"wait for its end, or see what it does: slipway releases {where.stack}",
            )


def _is_dead(holder: str) -> bool:
    """Certain only on its own machine: nothing runs under the pid, or something that began later."""
    named, _, pid = holder.rpartition("@")[2].partition("/")
    number, _, started = pid.partition("/")
    if named != socket.gethostname() or not number.isdigit():
        return False
    process = identity(int(number))
    return process is None or str(process.started) != started


def _found(where: Place) -> Any | None:
    answer = where.said("get", "lease", NAME, "--ignore-not-found", "--output", "json")
    return json.loads(answer) if answer.strip() else None


def _holder(where: Place) -> str:
    found = _found(where)
    return str(found["spec"]["holderIdentity"]).partition("/")[0] if found else "somebody"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
