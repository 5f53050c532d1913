"""The secrets of a stack that is there: names and ages, and new values put in place line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import yaml

from infra.engine import passphrase
from infra.engine.sealing import Bench, new_value, weakness
from infra.errors import EXIT_USAGE, Problem, UserError
from infra.names import PROJECT
from infra.progress import Progress
from infra.sandbox import tools
from infra.scratch import scratch
from infra.settings import layers, messages, sealed
from infra.settings.document import KeyPath
from infra.settings.flaw import RefusedError
from infra.settings.layers import ROTATED, SECRETS, Layer
from infra.settings.sealed import is_encrypted, parse_day
from infra.settings.secrets import SecretName
from infra.settings.service import Mode
from infra.settings.stack import StackName
from infra.stack_file import swap

EFFECTS: Mapping[SecretName, str] = {
    SecretName.POSTGRES_OWNER_PASSWORD: "restarts PostgreSQL, which takes the password as it starts; then "
    "migrations run with it",
    SecretName.POSTGRES_SERVICE_PASSWORD: "restarts PostgreSQL, which takes the password as it starts; "
    "requests fail until the service has rolled out with it",
    SecretName.REDIS_PASSWORD: "restarts Redis with it; the cache is away until the service has rolled out",
    SecretName.SECRET_KEY: "rolls the service out; what the old key signed counts no more",
    SecretName.DEV_TOKEN: "rolls the service out; the old token is refused from then on",
    SecretName.CLERK_WEBHOOK_SECRET: "rolls the service out with it; the old one's webhooks are refused",
    SecretName.BACKUP_KEY: "restarts the store in the cluster; backups made before need the old key: keep it",
    SecretName.BACKUP_ACCESS_KEY_ID: "the next backup takes it; the exporter restarts with it",
    SecretName.BACKUP_SECRET_ACCESS_KEY: "the next backup takes it; the exporter restarts with it",
    SecretName.SLACK_WEBHOOK_URL: "restarts Alertmanager with it; revoke the old one at Slack",
    SecretName.SMTP_PASSWORD: "restarts Alertmanager with it; withdraw the old one at the mail server",
    SecretName.HEARTBEAT_URL: "restarts Alertmanager with it; withdraw the old address where it leads",
    SecretName.OTLP_HEADERS: "rolls the service out with it; withdraw the old token at the collector",
    SecretName.GRAFANA_ADMIN_PASSWORD: "restarts Grafana with it; whoever is logged in logs in anew",
    SecretName.GRAFANA_CLIENT_SECRET: "restarts Grafana with it; withdraw the old one at the provider",
    SecretName.OPENAI_API_KEY: "rolls the service out with it; withdraw the old one where it was issued",
}


@dataclass(frozen=True)
class Held:
    """One secret of a stack, without its value. ``rotated`` is None where nobody wrote it down."""

    name: SecretName
    needed: bool
    there: bool
    rotated: date | None

    def age_days(self, today: date) -> int | None:
        """Whole days since the value was made; None where that is not known."""
        return (today - self.rotated).days if self.rotated else None


def today() -> date:
    """The day by which ages count (UTC)."""
    return datetime.now(UTC).date()


def held(stack: str) -> list[Held]:
    """Every secret that the stack has or must have. Raises UserError where its file cannot be read."""
    own = _own(stack)
    values, dates = (
        found if isinstance(found, dict) else {} for found in map(own.data.get, (SECRETS, ROTATED))
    )
    needed = _needed(stack)
    return [
        Held(name, name in needed, is_encrypted(values.get(name.value)), parse_day(dates.get(name.value)))
        for name in SecretName
        if name in needed or name.value in values
    ]


def chosen(stack: str, key: str) -> SecretName:
    """The secret of that name. Raises UserError for a name that is none, or none of this stack's."""
    if key not in list(SecretName):
        known = [item.name.value for item in held(stack)]
        what = f"is no secret{messages.near_miss(key, list(SecretName))}"
        raise UserError.of(key, what, f"secrets of {stack}: {', '.join(known)}", exit_code=EXIT_USAGE)
    name = SecretName(key)
    if name not in _needed(stack):
        what = f"is not used by {stack}"
        raise UserError.of(key, what, "see which are: slipway secrets list " + stack, exit_code=EXIT_USAGE)
    return name


def rotate(stack: str, names: Sequence[SecretName], progress: Progress) -> None:
    """Give the secrets new random values. Raises UserError; then the file is as it was."""
    put(stack, {name: new_value() for name in names}, progress)


def put(stack: str, values: Mapping[SecretName, str], progress: Progress) -> None:
    """Write the values, encrypted, and today's date into the stack file; everything else in it stays.

    Raises UserError where a value is too weak, the passphrase is another, or the key service refuses.
    """
    weak = [
        Problem(f"{PROJECT}:{SECRETS}.{name}", why, "take a longer, random one")
        for name, value in values.items()
        if (why := weakness(value, name.least_chars))
    ]
    if weak:
        raise UserError(weak)
    own, file = _own(stack), layers.stack_file(stack).resolve()
    tools.ensure(tools.PULUMI_TOOLS, progress)
    before = file.read_bytes()
    with scratch(file.parent) as work:
        bench = Bench(
            work / "bench", stack, passphrase.provider(stack), passphrase.ready(stack), before.decode("utf-8")
        )
        with progress.step("secrets", f"encrypting {len(values)} of {own.document.file}"):
            text = _sealed(bench, values)
        swap(work, file, before, text)


def _own(stack: str) -> Layer:
    """The stack file. Raises RefusedError where it is not there or is not YAML as we take it."""
    name = StackName.parse(stack)
    if not layers.stack_file(stack).is_file():
        raise RefusedError([layers.missing(name)])
    read, _ = layers.read(name)
    own = read[-1]
    if own.document.flaws:
        raise RefusedError(own.document.flaws)
    return own


def _needed(stack: str) -> frozenset[SecretName]:
    """What mode and modules call for; the widest reading where the file does not say."""
    draft = layers.draft(stack)
    strictest = {**draft, "service": {"environment": Mode.PRODUCTION}}
    return sealed.wanted(draft) or sealed.wanted(strictest) or frozenset()


def _sealed(bench: Bench, values: Mapping[SecretName, str]) -> str:
    """The stack file's new text: ours with the new scalars in their old places, else Pulumi's own rewrite."""
    bench.open()
    day = today().isoformat()
    config = f"{PROJECT}:{SECRETS}", f"{PROJECT}:{ROTATED}"
    scalars: dict[KeyPath, str] = {}
    for name, value in values.items():
        scalars["config", config[0], name.value, "secure"] = bench.seal(name, value)
        scalars["config", config[1], name.value] = day
    if (spliced := splice(bench.text, scalars)) is not None:
        return spliced
    for name in values:
        bench.date(name, day)
    return bench.file.read_text(encoding="utf-8")


def splice(text: str, scalars: Mapping[KeyPath, str]) -> str | None:
    """``text`` with the scalars at these paths replaced, in quotes; None where one is not there yet."""
    found: dict[KeyPath, yaml.ScalarNode] = {}
    _scalars(yaml.compose(text, Loader=yaml.SafeLoader), (), found)
    if not set(scalars) <= set(found):
        return None
    for path in sorted(scalars, key=lambda path: found[path].start_mark.index, reverse=True):
        node = found[path]
        text = f'{text[: node.start_mark.index]}"{scalars[path]}"{text[node.end_mark.index :]}'
    return text


def _scalars(node: Any, path: KeyPath, found: dict[KeyPath, yaml.ScalarNode]) -> None:
    if isinstance(node, yaml.ScalarNode):
        found[path] = node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _scalars(value, (*path, str(key.value)), found)
