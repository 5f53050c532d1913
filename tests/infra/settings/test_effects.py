"""What rules read of a stack, and two stacks compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import effects
from infra.settings.differences import differences
from infra.settings.leaves import leaves
from infra.settings.provenance import Provenance, trace
from tests.infra.layered import STACK, folder
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit
LEAVES = {leaf.key: leaf for leaf in leaves()}


def traced(path: Path, own: str = "", stack: str = STACK) -> Provenance:
    return trace(stack, folder(path, own, stack=stack))


def test_a_rule_tells_the_keys_it_read_and_what_it_holds_a_key_against(tmp_path: Path) -> None:
    found = traced(tmp_path)
    assert found.settings is not None
    (rule,) = effects.weighing(found.settings, ("service", "pool", "size"))
    assert rule.rule == "pools-fit-the-database"
    assert [".".join(key) for key in rule.beside(("service", "pool", "size"))] == [
        "service.rollout.strategy",
        "service.autoscaling.enabled",
        "service.replicas",
        "service.rollout.max_surge",
        "service.pool.max_overflow",
        "postgres.max_connections",
    ]


def test_a_rule_on_several_sections_holds_a_key_against_its_own_section_only(tmp_path: Path) -> None:
    found, limit = traced(tmp_path), ("redis", "resources", "memory_limit")
    assert found.settings is not None
    rule = next(
        item for item in effects.weighing(found.settings, limit) if item.rule == "requests-fit-limits"
    )
    assert {key[0] for key in rule.beside(limit)} == {"redis"}


def test_every_rule_reads_at_least_one_key_and_only_keys_of_the_model(tmp_path: Path) -> None:
    found = traced(tmp_path)
    assert found.settings is not None
    read = {".".join(key) for rule in effects.weighings(found.settings) for key in rule.read}
    assert read <= set(LEAVES)


def test_a_value_beside_a_switch_that_is_off_does_nothing(tmp_path: Path) -> None:
    found = traced(tmp_path)
    assert found.settings is not None
    assert effects.effects(found.settings, ("backups", "bucket")) == (
        "Does nothing here: backups.enabled is false.",
    )
    assert effects.effects(found.settings, ("backups", "enabled")) == ()
    assert effects.effects(found.settings, ("pipelines", "branch")) == (
        "Does nothing here: pipelines.provider is null.",
    )
    assert effects.effects(found.settings, ("pipelines", "provider")) == ()


@pytest.mark.parametrize(
    ("operator", "idle", "used"),
    [(True, "retention_days", "operator_labels"), (False, "operator_labels", "retention_days")],
)
def test_what_a_server_of_the_stacks_own_has_does_nothing_where_the_cluster_runs_it(
    operator: bool, idle: str, used: str, tmp_path: Path
) -> None:
    own = f"  slipway:monitoring: {{enabled: true, operator: {str(operator).lower()}}}\n"
    found = traced(tmp_path, own).settings
    assert found is not None
    said = f"Does nothing here: monitoring.operator is {str(operator).lower()}."
    assert effects.effects(found, ("monitoring", idle)) == (said,)
    assert effects.effects(found, ("monitoring", used)) == ()


@pytest.mark.parametrize(
    ("stack", "policies", "key", "said"),
    [
        ("ledger-dev", False, "callers", "network.policies is false."),
        ("ledger-dev", False, "policies", None),
        ("ledger-dev", True, "pod_networks", None),
        ("sandbox", True, "pod_networks", "cluster.sandbox is true, whose networks are known."),
        ("sandbox", True, "callers", None),
    ],
)
def test_a_key_of_the_network_says_where_it_does_nothing(
    stack: str, policies: bool, key: str, said: str | None
) -> None:
    told = effects.effects(settings(stack, network={"policies": policies}), ("network", key))
    assert told == ((f"Does nothing here: {said}",) if said else ())


def test_a_stack_does_not_differ_from_itself(tmp_path: Path) -> None:
    found = traced(tmp_path)
    same = differences(found, found)
    assert (same.values, same.names, same.secrets) == ((), (), ())


def test_two_stacks_differ_in_values_and_not_in_the_order_of_their_files(tmp_path: Path) -> None:
    left = traced(tmp_path, "  slipway:service: {replicas: 2, log_level: DEBUG}\n")
    right = traced(tmp_path, "  slipway:service: {log_level: DEBUG, replicas: 3}\n", "books-dev")
    found = differences(left, right)
    assert [(each.key, each.left.value, each.right.value) for each in found.values] == [
        ("service.replicas", 2, 3)
    ]
    assert [each.key for each in found.names] == ["namespace.name"]


def test_a_namespace_that_both_name_alike_is_no_difference_and_one_that_is_another_name_is(
    tmp_path: Path,
) -> None:
    shared = "  slipway:namespace: {name: shared}\n"
    alike = differences(traced(tmp_path, shared), traced(tmp_path, shared, "books-dev"))
    other = differences(traced(tmp_path, shared), traced(tmp_path, stack="books-dev"))
    assert (alike.values, alike.names) == ((), ())
    assert [each.key for each in other.values] == ["namespace.name"]
