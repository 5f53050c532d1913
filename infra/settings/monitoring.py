"""Section ``monitoring``: what is measured, how long figures stay, who hears of an alert and when not."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from infra.settings.access import HOST_PORT
from infra.settings.base import ListRule, Memory, Resources, Section, TimeZone, merged_by
from infra.settings.grafana import Grafana

Mail = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9.+_-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        max_length=254,  # RFC 5321, 4.5.3.1.3, without its brackets
        examples=["oncall@example.com"],
    ),
]
# Kubernetes' own rule for a label (kubernetes.io, "Labels and Selectors"), as KEY=VALUE.
Label = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
        r"=([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$",
        examples=["release=kube-prometheus-stack"],
    ),
]
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Receiver(StrEnum):
    """By which way is an alert told?"""

    SLACK = "slack"
    EMAIL = "email"
    HEARTBEAT = "heartbeat"


class Day(StrEnum):
    """On which day of the week?"""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Slack(Section):
    """A channel; the address that posts to it is the secret ``slackWebhookUrl``."""

    channel: str | None = Field(
        None,
        pattern=r"^[#@][a-z0-9_.-]{1,79}$",
        description="Channel that alerts are posted to; what posts is the secret slackWebhookUrl.",
        examples=["#ledger-alerts"],
    )


class Email(Section):
    """People, and the server that takes the mail; its password is the secret ``smtpPassword``."""

    to: tuple[Mail, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Who gets mail of an alert; the server's password is the secret smtpPassword.",
    )
    sender: Mail | None = Field(
        None,
        description="Address in From:, which is also the user at the server.",
        examples=["alerts@example.com"],
    )
    smarthost: str | None = Field(
        None,
        pattern=rf"^[a-z0-9]([a-z0-9.-]{{0,252}}[a-z0-9])?:({HOST_PORT})$",
        description="Mail server that takes the mail, with its port.",
        examples=["smtp.example.com:587"],
    )
    tls: bool = Field(
        True, description="Whether the server must offer STARTTLS; without it mail is readable on its way."
    )


class Heartbeat(Section):
    """A service outside the cluster that tells when it hears nothing any more: a dead man's switch."""

    every_minutes: int | None = Field(
        None,
        ge=1,
        le=60,
        description="Minutes between two signs of life to a service that misses them; none: never. Its "
        "address is the secret heartbeatUrl.",
        examples=[5],
    )


class Receivers(Section):
    """All at once are fine; with none alerts stay in Alertmanager."""

    slack: Slack = Field(Slack(), description="Slack.")
    email: Email = Field(Email(), description="Mail.")
    heartbeat: Heartbeat = Field(Heartbeat(), description="Who misses this stack's monitoring.")


class QuietHours(Section):
    """When warnings wait; what is critical never does."""

    start: str | None = Field(
        None,
        pattern=CLOCK,
        description="Time of day from which warnings wait, and only they; none: never.",
        examples=["22:00"],
    )
    end: str | None = Field(
        None,
        pattern=CLOCK,
        description="Time of day until which warnings wait; before start it is on the next day.",
        examples=["07:00"],
    )
    time_zone: TimeZone = Field("UTC", description="Time zone of both (IANA name).")
    days: tuple[Day, ...] = Field(
        tuple(Day),
        min_length=1,
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Days of the week on which quiet hours begin.",
    )


class Monitoring(Section):
    """Prometheus, Alertmanager and the exporters beside what they measure."""

    enabled: bool = Field(False, description="Whether the stack is measured and alerts are raised.")
    operator: bool = Field(
        False,
        description="true: the cluster's prometheus-operator runs Prometheus and Alertmanager; the stack has "
        "ServiceMonitors, a PrometheusRule and an AlertmanagerConfig for it. That Prometheus must keep "
        "slo.window.",
    )
    operator_labels: tuple[Label, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Labels KEY=VALUE of those objects, by which the cluster's Prometheus and Alertmanager "
        "choose what they read (serviceMonitorSelector, ruleSelector, alertmanagerConfigSelector).",
    )
    scrape_interval_seconds: int = Field(
        15,
        ge=5,
        le=60,
        description="Seconds between two readings of every figure; the alerts' ranges grow with it.",
    )
    retention_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days figures are kept at most, slo.window at least; fewer where retention_size is full.",
    )
    retention_size: Memory = Field(
        "6Gi",
        description="Disk in Mi or Gi that figures may take: at most 80 % of the volume. When it is full the "
        "oldest go, whatever retention_days says, and the error budget counts what is left: 1000 figures "
        "take about 12Mi a day at 15 s.",
    )
    storage: Memory = Field("8Gi", description="Volume of Prometheus in Mi or Gi.")
    storage_class: str | None = Field(
        None,
        min_length=1,
        description="StorageClass of the volumes; the cluster's default without it.",
        examples=["fast-ssd"],
    )
    prometheus_resources: Resources = Field(
        Resources(cpu_request="100m", memory_request="384Mi", memory_limit="1Gi"),
        description="CPU and memory of Prometheus.",
    )
    alertmanager_resources: Resources = Field(
        Resources(cpu_request="10m", memory_request="48Mi", memory_limit="128Mi"),
        description="CPU and memory of Alertmanager.",
    )
    exporter_resources: Resources = Field(
        Resources(cpu_request="10m", memory_request="32Mi", memory_limit="96Mi"),
        description="CPU and memory of each exporter.",
    )
    adapter_resources: Resources = Field(
        Resources(cpu_request="10m", memory_request="64Mi", memory_limit="192Mi"),
        description="CPU and memory of what tells autoscalers about requests.",
    )
    receivers: Receivers = Field(Receivers(), description="Who hears of an alert.")
    quiet_hours: QuietHours = Field(QuietHours(), description="When warnings wait.")
    grafana: Grafana = Field(Grafana(), description="Dashboards in a browser.")

    @property
    def chosen_by(self) -> dict[str, str]:
        """``operator_labels`` as Kubernetes has them."""
        return dict(label.split("=", 1) for label in self.operator_labels)

    @property
    def told(self) -> tuple[Receiver, ...]:
        """The ways by which this stack's alerts are told, the heartbeat among them; none where it is not
        measured."""
        ways = {
            Receiver.SLACK: self.receivers.slack.channel,
            Receiver.EMAIL: self.receivers.email.to,
            Receiver.HEARTBEAT: self.receivers.heartbeat.every_minutes,
        }
        return tuple(way for way, set_ in ways.items() if self.enabled and set_)
