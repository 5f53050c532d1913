"""`make load`: accounts with drivers and dispatches on a running service, then the load profile beside it.

Without --host the service is the sandbox's. With it, LOAD_ADMIN_TOKEN is an admin's bearer token.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from infra import reach
from infra import stack as stacks

STACK = "sandbox"
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
ACCOUNTS = 8  # a thousand users share their tokens; an address may log in ten times a minute
DISPATCHES = 10  # of each account: what a driver has in a day
SPAWN_PER_SECOND = 50
TIMEOUT_SECONDS = 60.0


@contextmanager
def target(host: str | None) -> Iterator[tuple[str, str]]:
    """The service's address, and a token that may make accounts."""
    if host:
        yield host, os.environ["LOAD_ADMIN_TOKEN"]
        return
    with reach.reachable(str(stacks.outputs(STACK)["url"]), stacks.environment(STACK)) as address:
        yield address, stacks.secret(STACK, "devToken")


def send(client: httpx.Client, method: str, path: str, **body: object) -> dict[str, Any]:
    """What the service answers. Raises httpx.HTTPStatusError where it refuses."""
    answer: dict[str, Any] = client.request(method, path, json=body).raise_for_status().json()
    return answer


def prepare(address: str, admin: str, name: str) -> str:
    """The token of a new account with one driver and DISPATCHES dispatches, the last one under way."""
    email, password = f"load-{name}@example.org", secrets.token_urlsafe(24)
    with httpx.Client(base_url=address, trust_env=False, timeout=TIMEOUT_SECONDS) as client:
        client.headers["Authorization"] = f"Bearer {admin}"
        send(client, "POST", "/auth/users", email=email, password=password)
        form = {"username": email, "password": password}
        token = client.post("/api/v1/auth/login", data=form).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        customer = send(client, "POST", "/api/v1/clients", name="한빛식품")["id"]
        vehicle = send(client, "POST", "/api/v1/vehicles", license_plate="12가 3456")["id"]
        driver = send(client, "POST", "/api/v1/drivers", name="김기사")["id"]
        for number in range(1, DISPATCHES + 1):
            addresses = {"pickup_address": f"서울시 강남구 {number}", "delivery_address": "부산시 해운대구"}
            order = send(
                client,
                "POST",
                "/api/v1/orders",
                client_id=customer,
                **addresses,
                cargo_type="frozen",
                weight=number,
            )
            made = send(
                client,
                "POST",
                "/api/v1/dispatches",
                order_id=order["id"],
                vehicle_id=vehicle,
                driver_id=driver,
            )
            if number < DISPATCHES:
                path = f"/api/v1/mobile/dispatches/{made['id']}/status"
                send(client, "PUT", path, status="COMPLETED")
    return str(token)


def main() -> int:
    """Locust's exit code: 1 where the mean or the errors are above their thresholds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60, help="after the last user has come")
    parser.add_argument("--host", help="another service than the sandbox's")
    chosen = parser.parse_args()
    run = secrets.token_hex(4)
    with target(chosen.host) as (address, admin):
        with ThreadPoolExecutor(4) as pool:
            made = pool.map(lambda n: prepare(address, admin, f"{run}-{n}"), range(ACCOUNTS))
            tokens = ",".join(made)
        seconds = chosen.seconds + chosen.users // SPAWN_PER_SECOND
        options = ["--users", str(chosen.users), "--spawn-rate", str(SPAWN_PER_SECOND)]
        options += ["--run-time", f"{seconds}s", "--host", address, "--reset-stats", "--only-summary"]
        command = [sys.executable, "-m", "locust", "--headless", "-f", str(LOCUSTFILE), *options]
        return subprocess.run(command, env={**os.environ, "LOAD_TOKENS": tokens}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
