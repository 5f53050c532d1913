"""alertmanager.yml: who hears of which alert, what is told together, what is not told beside its cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from infra.monitoring.inhibition import silenced
from infra.names import RECEIVER
from infra.paths import TEMPLATES
from infra.render import plain
from infra.render.monitoring import SECRETS
from infra.settings.model import Settings
from infra.settings.monitoring import Day, Email, QuietHours, Receiver
from infra.settings.secrets import OF_RECEIVERS

MESSAGES = "messages.tmpl"
NOBODY = "nobody"
BEAT_WAIT_SECONDS = 1
AT_ONCE = {"group_by": ["..."], "group_wait": "0s"}
QUIET = "quiet-hours"
TEST_LABEL = "test"  # of the alert that `slipway alerts test` sends
WATCHDOG = "Watchdog"  # fires all the time: its absence is what counts
WAIT_SECONDS = 15  # for what belongs to the same fault, before the first word
AGAIN_SECONDS = 60  # before what joined a group is told
REPEAT_HOURS = 4  # before somebody is told again what still lasts
MIDNIGHT = "24:00"
MESSAGE = re.compile(r'^{{ define "([^"]+)" -}}\n(.*?)\n{{- end }}$', re.MULTILINE | re.DOTALL)


def files(settings: Settings) -> dict[str, str]:
    """File name → text. No secret is in any of them."""
    return {
        "alertmanager.yml": plain.text(configuration(settings)),
        MESSAGES: (TEMPLATES / "monitoring" / MESSAGES).read_text(encoding="utf-8"),
    }


def secret_file(receiver: Receiver) -> str:
    """Where Alertmanager reads the receiver's secret, at every message anew."""
    return f"{SECRETS}/{OF_RECEIVERS[receiver].value}"


def messages() -> dict[str, str]:
    """Name → body of each template, for where no file of them can be given."""
    text = (TEMPLATES / "monitoring" / MESSAGES).read_text(encoding="utf-8")
    return dict(MESSAGE.findall(text))


def configuration(settings: Settings) -> dict[str, Any]:
    """The configuration as data (prometheus.io, "Alerting configuration", 0.25)."""
    quiet = nights(settings.monitoring.quiet_hours)
    return {
        **({"time_intervals": [{"name": QUIET, "time_intervals": quiet}]} if quiet else {}),
        "templates": [MESSAGES],
        "route": _route(settings, quiet=bool(quiet)),
        "inhibit_rules": [_inhibition(cause, rest) for cause, rest in silenced(settings).items()],
        "receivers": [{"name": RECEIVER, **_ways(settings)}, _watched_by(settings)],
    }


def _route(settings: Settings, *, quiet: bool) -> dict[str, Any]:
    muted = {"mute_time_intervals": [QUIET]} if quiet else {}
    return {
        "receiver": RECEIVER,
        "group_by": ["part", "severity"],
        "group_wait": f"{WAIT_SECONDS}s",
        "group_interval": f"{AGAIN_SECONDS}s",
        "repeat_interval": f"{REPEAT_HOURS}h",
        "routes": [
            # A test says what it says at once, in quiet hours too, and beside no other alert.
            {"matchers": [f'{TEST_LABEL}="true"'], "receiver": RECEIVER, **AT_ONCE},
            {"matchers": [f'alertname="{WATCHDOG}"'], **_beat(settings)},
            {"matchers": ['severity="warning"'], "receiver": RECEIVER, **muted},
        ],
    }


def _beat(settings: Settings) -> dict[str, Any]:
    """Where the alert goes that fires all the time: to who misses it, or nowhere."""
    minutes = settings.monitoring.receivers.heartbeat.every_minutes
    if minutes is None:
        return {"receiver": NOBODY}
    # It counts from the end of the last message: at the interval itself it would skip every second one.
    often = {"group_interval": f"{minutes}m", "repeat_interval": f"{minutes * 30}s"}
    return {"receiver": Receiver.HEARTBEAT.value, "group_wait": f"{BEAT_WAIT_SECONDS}s", **often}


def _watched_by(settings: Settings) -> dict[str, Any]:
    """A webhook's address would stand in this file for all to read: this version takes none from a file of
    its own. What posts to Slack does, and a dead man's switch takes any POST."""
    if settings.monitoring.receivers.heartbeat.every_minutes is None:
        return {"name": NOBODY}
    beat = {"api_url_file": secret_file(Receiver.HEARTBEAT), "send_resolved": False}
    return {"name": Receiver.HEARTBEAT.value, "slack_configs": [beat]}


def _inhibition(cause: str, consequences: Sequence[str]) -> dict[str, Any]:
    """No label has to be equal: this Alertmanager hears of one stack only."""
    return {
        "source_matchers": [f'alertname="{cause}"'],
        "target_matchers": [f'alertname=~"{"|".join(consequences)}"'],
    }


def _ways(settings: Settings) -> dict[str, Any]:
    told, receivers = settings.monitoring.told, settings.monitoring.receivers
    ways: dict[str, Any] = {}
    if Receiver.SLACK in told:
        ways["slack_configs"] = [_slack(receivers.slack.channel or "")]
    if Receiver.EMAIL in told:
        ways["email_configs"] = [_email(receivers.email, address) for address in receivers.email.to]
    return ways


def _slack(channel: str) -> dict[str, Any]:
    return {
        "channel": channel,
        "api_url_file": secret_file(Receiver.SLACK),
        "send_resolved": True,
        "title": '{{ template "slipway.title" . }}',
        "text": '{{ template "slipway.text" . }}',
        "fallback": '{{ template "slipway.title" . }}',
    }


def _email(email: Email, address: str) -> dict[str, Any]:
    """One message per person, so that nobody reads who else is on call."""
    return {
        "to": address,
        "from": email.sender,
        "smarthost": email.smarthost,
        "auth_username": email.sender,
        "auth_password_file": secret_file(Receiver.EMAIL),
        "require_tls": email.tls,
        "send_resolved": True,
        "headers": {"Subject": '{{ template "slipway.title" . }}'},
        "html": "",
        "text": '{{ template "slipway.text" . }}',
    }


def nights(hours: QuietHours) -> list[dict[str, Any]]:
    """The intervals of a night: one, or two where it goes on after midnight on the following day."""
    if hours.start is None or hours.end is None:
        return []
    if hours.start < hours.end:
        return [_interval(hours, hours.start, hours.end, hours.days)]
    evening = _interval(hours, hours.start, MIDNIGHT, hours.days)
    if hours.end == "00:00":
        return [evening]
    week = list(Day)
    following = [week[(week.index(day) + 1) % len(week)] for day in hours.days]
    return [evening, _interval(hours, "00:00", hours.end, following)]


def _interval(hours: QuietHours, start: str, end: str, days: Sequence[Day]) -> dict[str, Any]:
    return {
        "times": [{"start_time": start, "end_time": end}],
        "weekdays": [day.value for day in days],
        "location": hours.time_zone,
    }
