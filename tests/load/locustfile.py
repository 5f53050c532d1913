"""The load profile O7 (seed 001): drivers' applications that list, summarise and report where they are.

    LOCUST_HOST=http://127.0.0.1:8000 LOAD_TOKENS=TOKEN,TOKEN,… LOCUST_USERS=1000 LOCUST_SPAWN_RATE=50 \\
        LOCUST_RUN_TIME=80s locust --headless --reset-stats -f tests/load/locustfile.py

The simulated users share the bearer tokens of a few accounts in turn: a password hash is slow on purpose and
logins are limited, so a thousand of them would measure nothing else. tests/load/run.py makes the accounts,
each with one driver, and logs each in once. The service's rate limits must let one account through so often.
The exit code is 1 where the mean or the share of errors is not below its threshold. Nothing is sent to any
address but LOCUST_HOST.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

from locust import FastHttpUser, between, events, task
from locust.env import Environment

API = "/api/v1"
MEAN_MILLISECONDS = float(os.environ.get("LOAD_MEAN_MS", "200"))
ERROR_PERCENT = float(os.environ.get("LOAD_ERROR_PERCENT", "0.1"))
TIMEOUT_SECONDS = 30.0
OK = 200
HEADERS = itertools.cycle(
    [{"Authorization": f"Bearer {token}"} for token in os.environ["LOAD_TOKENS"].split(",")]
)


class Driver(FastHttpUser):
    """An application that asks every one to three seconds."""

    wait_time = between(1, 3)
    connection_timeout = TIMEOUT_SECONDS
    network_timeout = TIMEOUT_SECONDS

    def on_start(self) -> None:
        """Takes a token."""
        self.headers = next(HEADERS)

    def ask(self, method: str, path: str, **body: Any) -> None:
        """One request; every answer but 200 is a failure, a redirection too."""
        with self.client.request(
            method,
            f"{API}/mobile/{path}",
            headers=self.headers,
            catch_response=True,
            allow_redirects=False,
            **body,
        ) as answer:
            if answer.status_code != OK:
                answer.failure(f"status {answer.status_code}")

    @task(3)
    def dispatches(self) -> None:
        """The list."""
        self.ask("GET", "dispatches")

    @task(2)
    def summary(self) -> None:
        """The counts."""
        self.ask("GET", "summary")

    @task(1)
    def location(self) -> None:
        """Seoul's city hall."""
        self.ask("POST", "location", json={"latitude": 37.5665, "longitude": 126.9780})


def judge(environment: Environment, **_: Any) -> None:
    """Says the figures and sets the exit code."""
    total = environment.stats.total
    percent = 100 * total.fail_ratio
    print(
        f"{total.num_requests} requests, {total.total_rps:.0f}/s: mean {total.avg_response_time:.0f} ms, "
        f"p95 {total.get_response_time_percentile(0.95):.0f} ms, errors {percent:.3f} %"
    )
    good = total.num_requests and total.avg_response_time < MEAN_MILLISECONDS and percent < ERROR_PERCENT
    environment.process_exit_code = 0 if good else 1


events.quitting.add_listener(judge)  # type: ignore[no-untyped-call]
