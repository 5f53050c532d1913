"""Section ``secrets``: names only. Values stand encrypted in the stack file and become Pulumi outputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from infra.settings.backups import StoreKind
from infra.settings.modules import Module
from infra.settings.monitoring import Receiver
from infra.settings.service import Mode

MIN_CHARS = 32  # long enough that the short hash in an object's name can never be searched
MIN_ID_CHARS = 16  # of an access key's name (IAM API, AccessKey), which its secret stands beside
MIN_HEADERS_CHARS = 16  # a header's name and a collector's token, which its operator issues
MIN_MAIL_CHARS = 16  # what mail providers issue to programs; chosen by a generator, so 16 are not searched
SCHEMES = ("awskms", "azurekeyvault", "gcpkms", "hashivault")  # Pulumi's secrets providers with a key service
PASSPHRASE = "passphrase"  # noqa: S105  Pulumi's own word for its default provider


class SecretName(StrEnum):
    """Which secrets may a stack hold?"""

    POSTGRES_OWNER_PASSWORD = "postgresOwnerPassword"  # noqa: S105  a key, not a value
    POSTGRES_SERVICE_PASSWORD = "postgresServicePassword"  # noqa: S105
    REDIS_PASSWORD = "redisPassword"  # noqa: S105
    SECRET_KEY = "secretKey"  # noqa: S105
    DEV_TOKEN = "devToken"  # noqa: S105
    OPENAI_API_KEY = "openaiApiKey"
    CLERK_WEBHOOK_SECRET = "clerkWebhookSecret"  # noqa: S105
    BACKUP_KEY = "backupKey"
    BACKUP_ACCESS_KEY_ID = "backupAccessKeyId"
    BACKUP_SECRET_ACCESS_KEY = "backupSecretAccessKey"  # noqa: S105
    SLACK_WEBHOOK_URL = "slackWebhookUrl"
    SMTP_PASSWORD = "smtpPassword"  # noqa: S105
    HEARTBEAT_URL = "heartbeatUrl"
    OTLP_HEADERS = "otlpHeaders"
    GRAFANA_ADMIN_PASSWORD = "grafanaAdminPassword"  # noqa: S105
    GRAFANA_CLIENT_SECRET = "grafanaClientSecret"  # noqa: S105

    @property
    def given(self) -> bool:
        """Someone else issues it, so that it cannot be made here: it must be set."""
        return self in GIVEN

    @property
    def meaning(self) -> str:
        """What it is for, in one line."""
        return MEANINGS[self]

    @property
    def least_chars(self) -> int:
        """The fewest characters that a value may have."""
        return SHORTER.get(self, MIN_CHARS)


OF_STORE = frozenset({SecretName.BACKUP_ACCESS_KEY_ID, SecretName.BACKUP_SECRET_ACCESS_KEY})
OF_RECEIVERS: Mapping[Receiver, SecretName] = MappingProxyType(
    {
        Receiver.SLACK: SecretName.SLACK_WEBHOOK_URL,
        Receiver.EMAIL: SecretName.SMTP_PASSWORD,
        Receiver.HEARTBEAT: SecretName.HEARTBEAT_URL,
    }
)
OF_GRAFANA = frozenset({SecretName.GRAFANA_ADMIN_PASSWORD, SecretName.GRAFANA_CLIENT_SECRET})
GIVEN = frozenset(
    {
        SecretName.OPENAI_API_KEY,
        SecretName.CLERK_WEBHOOK_SECRET,
        SecretName.OTLP_HEADERS,
        SecretName.GRAFANA_CLIENT_SECRET,
        *OF_STORE,
        *OF_RECEIVERS.values(),
    }
)
SHORTER: Mapping[SecretName, int] = MappingProxyType(
    {
        SecretName.BACKUP_ACCESS_KEY_ID: MIN_ID_CHARS,
        SecretName.SMTP_PASSWORD: MIN_MAIL_CHARS,
        SecretName.OTLP_HEADERS: MIN_HEADERS_CHARS,
        SecretName.GRAFANA_CLIENT_SECRET: MIN_MAIL_CHARS,  # chosen by the provider
    }
)
OF_MODULES: Mapping[Module, frozenset[SecretName]] = MappingProxyType(
    {Module.ASSISTANT: frozenset({SecretName.OPENAI_API_KEY})}
)
MEANINGS: Mapping[SecretName, str] = MappingProxyType(
    {
        SecretName.POSTGRES_OWNER_PASSWORD: "Password of the role that owns the schema; migrations use it.",
        SecretName.POSTGRES_SERVICE_PASSWORD: "Password of the role with which the service reads and writes.",
        SecretName.REDIS_PASSWORD: "Password of the cache.",
        SecretName.SECRET_KEY: "Key with which the service signs.",
        SecretName.DEV_TOKEN: "Token that stands for a user in development; refused elsewhere.",
        SecretName.OPENAI_API_KEY: "API key of the language model, for the module assistant.",
        SecretName.CLERK_WEBHOOK_SECRET: "Clerk's signing secret, where service.auth.clerk_webhook is on.",
        SecretName.BACKUP_KEY: "Key of the backups, from which their others follow. Keep a copy elsewhere.",
        SecretName.BACKUP_ACCESS_KEY_ID: "Access key of a store that is there already (kind s3).",
        SecretName.BACKUP_SECRET_ACCESS_KEY: "Secret of that access key.",
        SecretName.SLACK_WEBHOOK_URL: "Address that posts alerts to Slack (incoming webhook).",
        SecretName.SMTP_PASSWORD: "Password of the sender of alerts at the mail server.",
        SecretName.HEARTBEAT_URL: "Address that takes signs of life and misses them (dead man's switch).",
        SecretName.OTLP_HEADERS: "Headers that the collector of traces wants: name=value,name=value.",
        SecretName.GRAFANA_ADMIN_PASSWORD: "Password of the user admin of Grafana.",
        SecretName.GRAFANA_CLIENT_SECRET: "Secret of Grafana's client at the identity provider.",
    }
)


def of_grafana(*, provider: bool) -> frozenset[SecretName]:
    """Those of a stack with Grafana; ``provider``: people log in at one."""
    return OF_GRAFANA if provider else frozenset({SecretName.GRAFANA_ADMIN_PASSWORD})


def required(
    mode: Mode,
    modules: Collection[Module],
    *,
    webhook: bool = False,
    store: StoreKind | None = None,
    told: Collection[Receiver] = (),
    also: Collection[SecretName] = (),
) -> frozenset[SecretName]:
    """The development token exists in development, a module's secret with its module, the webhook's with
    ``service.auth.clerk_webhook``, those of backups with ``store`` (None: no backups), a receiver's where
    alerts are ``told`` to it, Grafana's and the headers of traces where they are in ``also``, the rest
    always."""
    of_modules = frozenset(name for names in OF_MODULES.values() for name in names)
    sometimes = {SecretName.DEV_TOKEN, SecretName.CLERK_WEBHOOK_SECRET, SecretName.BACKUP_KEY}
    sometimes |= {SecretName.OTLP_HEADERS, *OF_RECEIVERS.values(), *OF_GRAFANA}
    wanted = {name for module in modules for name in OF_MODULES.get(module, ())}
    wanted |= {SecretName.DEV_TOKEN} if mode is Mode.DEVELOPMENT else set()
    wanted |= {SecretName.CLERK_WEBHOOK_SECRET} if webhook else set()
    wanted |= {SecretName.BACKUP_KEY} if store else set()
    wanted |= OF_STORE if store is StoreKind.S3 else set()
    wanted |= {OF_RECEIVERS[receiver] for receiver in told} | set(also)
    return frozenset(SecretName) - sometimes - of_modules - OF_STORE | wanted
