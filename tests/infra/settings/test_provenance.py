"""Every resolved value with its layers, of sound and broken files."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from infra.errors import UserError
from infra.paths import ROOT
from infra.settings import check, layers
from infra.settings.base import ListRule
from infra.settings.flaw import RefusedError
from infra.settings.leaves import Leaf, leaves, sections
from infra.settings.provenance import Provenance, Source, trace
from infra.settings.stack import StackName
from tests.infra.layered import STACK, folder
from tests.infra.settings.broken_files import CASES, SECRETS, SOUND

pytestmark = pytest.mark.unit
LEAVES = {leaf.key: leaf for leaf in leaves()}


def traced(path: Path, own: str = "", stack: str = STACK) -> Provenance:
    return trace(stack, folder(path, own, stack=stack))


def flat(data: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from flat(value, (*path, name))
        else:
            yield ".".join((*path, name)), value


def value_of(leaf: Leaf) -> st.SearchStrategy[Any]:
    if leaf.kind.startswith("list"):
        offered = st.sampled_from(leaf.words or leaf.examples)
        return st.lists(offered, min_size=1, max_size=3, unique_by=repr)
    values: list[Any] = [leaf.default, *leaf.words, *leaf.examples]
    if leaf.kind == "true or false":
        values += [True, False]
    if leaf.least is not None and leaf.most is not None:
        values += [leaf.least, leaf.most, (leaf.least + leaf.most) // 2]
    return st.sampled_from(values)


def partial(most: int) -> st.SearchStrategy[dict[str, Any]]:
    """Some keys of a stack file with values that stand each for itself."""
    keys = st.lists(st.sampled_from(sorted(LEAVES)), max_size=most, unique=True)
    return keys.flatmap(lambda chosen: st.fixed_dictionaries({key: value_of(LEAVES[key]) for key in chosen}))


def as_file(values: dict[str, Any]) -> str:
    config: dict[str, Any] = {}
    for key, value in values.items():
        *outer, last = f"slipway:{key}".split(".")
        holder = config
        for part in outer:
            holder = holder.setdefault(part, {})
        holder[last] = value
    return yaml.safe_dump({"config": config})


def written(path: str, values: dict[str, Any]) -> Path:
    needed = {"cluster.context": "team", "images.service": "registry.example/team/service:1.4.2"}
    found = folder(Path(path))
    (found / f"Pulumi.{STACK}.yaml").write_text(as_file({**needed, **values}), encoding="utf-8")
    return found


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(partial(4))
def test_the_values_of_any_sound_file_are_those_of_its_settings(values: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as path:
        found = trace(STACK, written(path, values))
    assume(found.settings is not None)
    assert found.settings is not None
    resolved = dict(flat(found.settings.model_dump(mode="json", exclude={"stack"})))
    assert {value.leaf.key: value.value for value in found.values} == resolved
    assert set(Counter(value.leaf.key for value in found.values).values()) == {1}


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(partial(20))
def test_the_values_of_a_file_that_breaks_rules_are_those_of_its_layers(values: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as path:
        where = written(path, values)
        found = trace(STACK, where)
        read, _ = layers.read(StackName.parse(STACK), where)
    assert {value.leaf.key: value.value for value in found.values} == dict(flat(layers.merged(read)))
    assert {value.leaf.key for value in found.values if value.steps[-1].source is Source.STACK} >= set(values)


def test_a_value_names_every_layer_that_sets_it_with_file_and_line(tmp_path: Path) -> None:
    value = traced(tmp_path, "  slipway:service:\n    pool: {size: 8}\n").value(("service", "pool", "size"))
    assert [(step.source.value, step.value, step.line) for step in value.steps] == [
        ("default", 20, None),
        ("profile", 5, 5),
        ("stack", 8, 5),
    ]
    assert [step.place.rpartition("/")[2] for step in value.steps] == [
        "default",
        "dev.yaml:5",
        "Pulumi.ledger-dev.yaml:5",
    ]
    assert value.steps[-1].key == "slipway:service.pool.size"


def test_a_joined_list_names_the_layers_that_brought_its_items(tmp_path: Path) -> None:
    own = '  slipway:service: {allowed_origins: ["https://a.example", "http://localhost:3000"]}\n'
    value = traced(tmp_path, own).value(("service", "allowed_origins"))
    assert value.value == ["http://localhost:3000", "https://a.example"]
    assert [step.source.value for step in value.sources] == ["profile", "stack"]
    assert [items for _, items in value.contributions()] == [
        (),
        ("http://localhost:3000",),
        ("https://a.example",),
    ]


def test_a_list_that_adds_nothing_new_is_not_a_source(tmp_path: Path) -> None:
    own = '  slipway:service: {allowed_origins: ["http://localhost:3000"]}\n'
    sources = traced(tmp_path, own).value(("service", "allowed_origins")).sources
    assert [step.source.value for step in sources] == ["profile"]


def test_a_namespace_that_is_not_named_follows_from_the_stack(tmp_path: Path) -> None:
    value = traced(tmp_path).value(("namespace", "name"))
    assert (value.value, value.effective, value.follows) == (
        None,
        "ledger-dev",
        ("ledger-dev", "the stack's name"),
    )


def test_the_documentation_of_a_key_is_that_of_its_field() -> None:
    size, memory = LEAVES["service.pool.size"], LEAVES["redis.resources.memory_limit"]
    assert (size.kind, size.least, size.most, size.default) == ("whole number", 1, 200, 20)
    assert (memory.unit, memory.default, memory.examples) == ("Mi or Gi", "256Mi", ("512Mi",))
    assert LEAVES["service.log_level"].words == ("DEBUG", "INFO", "WARNING", "ERROR")
    assert LEAVES["service.allowed_origins"].list_rule is ListRule.UNION
    assert LEAVES["service.rollout.drain_seconds"].unit == "seconds"
    assert LEAVES["service.resources.cpu_limit"].optional


def test_every_key_and_every_section_is_described() -> None:
    assert [leaf.key for leaf in leaves() if not leaf.description] == []
    assert [name for name, meaning in sections().items() if not meaning] == []


@pytest.mark.parametrize(
    ("own", "key", "shown"),
    [
        ("  slipway:service: {replicas: two}\n", "service.replicas", "two"),
        ("  slipway:service: 3\n", "service.replicas", 1),
        ("  slipway:service: null\n", "service.replicas", 1),
        ("  slipway:service: {pool: [1]}\n", "service.pool.size", 5),
        ("  slipway:service: {replcas: 3, replicas: 2}\n", "service.replicas", 2),
    ],
)
def test_a_broken_file_shows_what_can_be_read_and_its_problems(
    tmp_path: Path, own: str, key: str, shown: Any
) -> None:
    found = traced(tmp_path, own)
    assert (found.value(key.split(".")).value, found.settings) == (shown, None)
    assert found.problems == check.examine(STACK, tmp_path, secrets=False).errors != ()


@pytest.mark.parametrize(
    "own",
    [
        "  slipway:images: {service: {secure: v1:hunter2}}\n",
        "  slipway:images: {service: 'https://me:hunter2@registry.example/x'}\n",
        "  slipway:ingress: {tls_secret: 'Hunter2 hunter2'}\n",
        "  slipway:service: {allowed_origins: ['https://me:hunter2@a.example']}\n",
        "  slipway:service: {replicas: {password: hunter2}}\n",
        "  slipway:service: {replicas: {'password:hunter2': 1}}\n",
        "  slipway:service: {log_level: 'password=hunter2'}\n",
        "  slipway:service: {allowed_origins: [AKIAHUNTER2HUNTER2AB, ghp_hunter2hunter2]}\n",
        "  slipway:service: {auth: {audience: hunter2hunter2hunter2hunter2hunter2hunt}}\n",
        "  slipway:service: {auth: {audience: 'token:hunter2'}}\n",
    ],
)
def test_what_may_be_a_secret_is_nowhere_in_the_values(tmp_path: Path, own: str) -> None:
    found = traced(tmp_path, own)
    assert "hunter2" not in repr(found.values).lower()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ingress.tls_secret", "ledger-tls"),
        ("ingress.tls_secret", "Ledger_TLS"),
        ("service.auth.login_token_seconds", 90),
        ("images.service", "registry.example/team/token:1.4.2"),
        ("service.rate_limit.routes", ["/api/password=1/2/3"]),
    ],
)
def test_what_only_sounds_like_a_secret_is_shown(tmp_path: Path, key: str, value: Any) -> None:
    section, *rest = key.split(".")
    own: Any = value
    for part in reversed(rest):
        own = {part: own}
    found = traced(tmp_path, f"  slipway:{section}: {json.dumps(own)}\n")
    assert found.value(key.split(".")).value == value


def test_a_secret_in_plain_text_is_told_as_such_without_its_value(tmp_path: Path) -> None:
    file = folder(tmp_path) / f"Pulumi.{STACK}.yaml"
    file.write_text(file.read_text().replace("{secure: v1:ciphertext}", "hunter2"))
    found = trace(STACK, tmp_path)
    assert {secret.name.value: secret.state for secret in found.secrets}["secretKey"] == "plain text"
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("case", CASES)
def test_every_mistake_leaves_either_values_or_the_text_of_the_check(tmp_path: Path, case: str) -> None:
    (folder(tmp_path) / f"Pulumi.{STACK}.yaml").write_text(f"{SOUND}{CASES[case]['text']}{SECRETS}")
    found = check.examine(STACK, tmp_path, secrets=False).errors
    try:
        shown = trace(STACK, tmp_path)
    except RefusedError as refused:
        assert refused.flaws == found
    else:
        assert (len(shown.values), shown.problems) == (len(LEAVES), found)


@pytest.mark.parametrize("stack", layers.discover(ROOT / "stacks"))
def test_every_stack_of_the_project_has_the_values_of_its_settings(stack: str) -> None:
    found = trace(stack, ROOT / "stacks")
    assert found.settings is not None
    resolved = dict(flat(found.settings.model_dump(mode="json", exclude={"stack"})))
    assert {value.leaf.key: value.value for value in found.values} == resolved


@pytest.mark.parametrize("text", ["config: [1\n", "- one\n", "config: \tx\n"])
def test_a_file_that_cannot_be_read_is_refused_with_the_text_of_the_check(tmp_path: Path, text: str) -> None:
    (folder(tmp_path) / f"Pulumi.{STACK}.yaml").write_text(text)
    with pytest.raises(UserError) as refused:
        trace(STACK, tmp_path)
    with pytest.raises(UserError) as by_check:
        check.load(STACK, tmp_path, secrets=False)
    assert str(refused.value) == str(by_check.value)


@pytest.mark.parametrize("stack", ["nobody-dev", "ledger", "Ledger-dev", "../ledger-dev"])
def test_a_stack_that_is_none_is_refused_with_the_text_of_the_check(tmp_path: Path, stack: str) -> None:
    folder(tmp_path)
    with pytest.raises(UserError) as refused:
        trace(stack, tmp_path)
    assert refused.value.problems[0].remedy


def test_secrets_are_told_by_name_and_state(tmp_path: Path) -> None:
    states = {secret.name.value: secret.state for secret in traced(tmp_path).secrets}
    assert states == {
        "postgresOwnerPassword": "missing",
        "postgresServicePassword": "missing",
        "redisPassword": "missing",
        "secretKey": "set",
        "devToken": "missing",
        "openaiApiKey": "not needed",
        "clerkWebhookSecret": "not needed",
        "backupKey": "not needed",
        "backupAccessKeyId": "not needed",
        "backupSecretAccessKey": "not needed",
        "slackWebhookUrl": "not needed",
        "smtpPassword": "not needed",
        "heartbeatUrl": "not needed",
        "otlpHeaders": "not needed",
        "grafanaAdminPassword": "not needed",
        "grafanaClientSecret": "not needed",
    }
