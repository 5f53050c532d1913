"""Who hears of alerts in a test: what takes Slack's posts, a mail server, and who misses signs of life."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.app.servers import free_port

SLACK, BEAT = "/services/", "/beat/"
OVER = "Over: "
# As templates/monitoring/messages.tmpl writes them: what fires, and what is over.
FIRING = re.compile(r"^(\w+) \((?:critical|warning)\): ", re.MULTILINE)
ENDED = re.compile(r"^Over since [\d:]+ UTC: (\w+) \(", re.MULTILINE)


@dataclass(frozen=True)
class Message:
    """One message as somebody reads it. ``at``: time.monotonic() of its arrival."""

    at: float
    title: str
    text: str

    @property
    def firing(self) -> list[str]:
        """The alerts that it says are wrong."""
        return FIRING.findall(self.text)

    @property
    def ended(self) -> list[str]:
        """The alerts that it says are over."""
        return ENDED.findall(self.text)


@dataclass
class Inbox:
    """What arrived. ``refuses``: the sink answers with an error meanwhile."""

    messages: list[Message] = field(default_factory=list)
    refuses: bool = False
    refused: int = 0

    def told(self, alert: str) -> Message | None:
        """The first message that says that it fires."""
        return next((each for each in self.messages if alert in each.firing), None)

    def over(self, alert: str) -> Message | None:
        """The first message that says that it is over."""
        return next((each for each in self.messages if alert in each.ended), None)

    def wrong(self) -> set[str]:
        """Every alert that was said to fire; what is over may be said again beside it."""
        return {name for each in self.messages for name in each.firing}


@dataclass
class Sinks:
    """All three, at addresses that pods reach. ``beats``: time.monotonic() of each sign of life."""

    host: str
    web_port: int
    mail_port: int
    slack: Inbox = field(default_factory=Inbox)
    mail: Inbox = field(default_factory=Inbox)
    beats: list[float] = field(default_factory=list)

    @property
    def slack_url(self) -> str:
        return f"http://{self.host}:{self.web_port}{SLACK}T0000/B0000/of-the-live-tests"

    @property
    def beat_url(self) -> str:
        return f"http://{self.host}:{self.web_port}{BEAT}of-the-live-tests"

    @property
    def smarthost(self) -> str:
        return f"{self.host}:{self.mail_port}"

    def forget(self) -> None:
        """As if nothing had arrived yet."""
        self.slack.messages.clear()
        self.mail.messages.clear()


class _Web(BaseHTTPRequestHandler):
    sinks: Sinks

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        inbox = self.sinks.slack
        if self.path.startswith(BEAT):
            self.sinks.beats.append(time.monotonic())
            return self._answer(200, "OK")
        if inbox.refuses:
            inbox.refused += 1
            return self._answer(403, "invalid_token")  # Slack's own words for a webhook that was revoked
        inbox.messages += [_posted(each) for each in body["attachments"]]
        return self._answer(200, "ok")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error."""


def _posted(attachment: dict[str, Any]) -> Message:
    return Message(time.monotonic(), attachment["title"], attachment["text"])


@dataclass
class _Mail:
    inbox: Inbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's own name."""
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = mail.get_body(("plain",))
        text = body.get_content() if body else ""
        self.inbox.messages.append(Message(time.monotonic(), str(mail["Subject"]), text))
        return "250 Message accepted for delivery"


@contextmanager
def sinks(host: str) -> Iterator[Sinks]:
    """Both servers on free ports of ``host`` while the context lasts."""
    made = Sinks(host, 0, free_port())
    server = ThreadingHTTPServer((host, 0), type("Here", (_Web,), {"sinks": made}))
    made.web_port = server.server_port
    thread = Thread(target=server.serve_forever)
    mail = Controller(_Mail(made.mail), hostname=host, port=made.mail_port)
    thread.start()
    try:
        mail.start()
        yield made
    finally:
        if mail.server is not None:
            mail.stop()
        server.shutdown()
        thread.join()
        server.server_close()
