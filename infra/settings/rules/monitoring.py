"""Rules on monitoring: figures fit their volume, mail goes its whole way, quiet hours end."""

from __future__ import annotations

from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.monitoring import Receiver
from infra.settings.rules.finding import Finding
from infra.settings.rules.sizes import kept_fits
from infra.settings.service import Mode

MAIL = ("to", "sender", "smarthost")


def figures_fit_their_volume(settings: StackConfig) -> Iterator[Finding]:
    """A full volume stops Prometheus, and with it every alert."""
    monitoring = settings.monitoring
    yield from kept_fits(("monitoring",), monitoring.retention_size, monitoring.storage)


def mail_is_named_whole(settings: StackConfig) -> Iterator[Finding]:
    """Mail needs somebody to get it, somebody to send it and a server to take it."""
    email = settings.monitoring.receivers.email
    missing = [key for key in MAIL if not getattr(email, key)]
    there = [key for key in MAIL if key not in missing]
    if missing and there:
        path = ("monitoring", "receivers", "email")
        yield Finding(
            (*path, missing[0]),
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, and "
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} set: no mail could be sent",
            f"set {', '.join(MAIL)} together, or none of them",
            also=tuple((*path, key) for key in there),
        )


def mail_is_encrypted_in_production(settings: StackConfig) -> Iterator[Finding]:
    """The server's password and the alerts' words would be readable on their way."""
    email, mode = settings.monitoring.receivers.email, settings.service.environment
    if mode is Mode.PRODUCTION and not email.tls:
        yield Finding(
            ("monitoring", "receivers", "email", "tls"),
            "false, and service.environment is production",
            "take it out, and name a server that offers STARTTLS",
            also=(("service", "environment"),),
        )


def quiet_hours_have_an_end(settings: StackConfig) -> Iterator[Finding]:
    """A warning that waits is told some time."""
    quiet = settings.monitoring.quiet_hours
    path = ("monitoring", "quiet_hours")
    if (quiet.start is None) != (quiet.end is None):
        there, missing = ("start", "end") if quiet.start else ("end", "start")
        yield Finding(
            (*path, missing),
            f"{missing} is missing, and {there} is {getattr(quiet, there)}",
            "set start and end together, or neither",
            also=((*path, there),),
        )
    if quiet.start and quiet.start == quiet.end:
        yield Finding(
            (*path, "end"),
            f"end {quiet.end} is start {quiet.start}: whether warnings wait always or never is not said",
            "let them differ, or leave both out",
            also=((*path, "start"),),
        )


def alerts_go_nowhere(settings: StackConfig) -> Iterator[Finding]:
    """Accepted, since the alerts can be looked at; known better now than at night."""
    monitoring = settings.monitoring
    people = set(monitoring.told) - {Receiver.HEARTBEAT}
    elsewhere = settings.cluster.sandbox or monitoring.operator  # the cluster's Alertmanager tells somebody
    if monitoring.enabled and not people and not elsewhere:
        yield Finding(
            ("monitoring", "receivers"),
            "monitoring.enabled is true and nobody is named who hears of an alert",
            "name a Slack channel or an address: receivers.slack.channel, receivers.email.to",
            also=(("monitoring", "enabled"),),
            rule="alerts-told-to-nobody",
        )
