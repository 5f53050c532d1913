"""What goes while its equal comes was renamed or moved; what only resembles it was not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.review.previews import HEAD, object_of, reviewed, step, told, urn

pytestmark = pytest.mark.unit
SET, MAP = "kubernetes:apps/v1:StatefulSet", "kubernetes:core/v1:ConfigMap"


def store(name: str, image: str = "postgres:15") -> dict[str, Any]:
    """A StatefulSet that repeats its name as the project's do."""
    labels = {"app.kubernetes.io/component": name}
    spec = {"serviceName": name, "selector": {"matchLabels": labels}, "template": {"spec": {"containers": [
        {"name": name, "image": image, "envFrom": [{"secretRef": {"name": f"{name}-auth"}}]}]}}}  # fmt: skip
    return object_of("StatefulSet", name, spec=spec)


def test_a_resource_of_another_name_with_the_same_content_was_renamed() -> None:
    data = {"LEVEL": "info"}
    made = reviewed(
        step("delete", MAP, "values", object_of("ConfigMap", "v", data=data), part=""),
        step("create", MAP, "settings", None, object_of("ConfigMap", "v", data=data), part=""),
    )
    (found,) = made.renames
    assert found.remedy == f"give settings opts=ResourceOptions(aliases=['{urn(MAP, 'values')}'])"
    assert "ConfigMap values is now settings, with the same content, and cannot be made while" in told(made)


def test_a_renamed_component_is_one_remedy_for_all_of_its_parts_and_still_blocks() -> None:
    made = reviewed(
        step("delete", SET, "postgres-set", store("postgres"), part="Postgres"),
        step("create", SET, "database-set", None, store("database"), part="Database"),
    )
    assert made.exit_code == 2
    (blocker,) = made.blockers
    old = f"{HEAD}slipway:index:Postgres::postgres"
    assert blocker.change.remedy.startswith(f"give database opts=ResourceOptions(aliases=['{old}'])")
    assert "let it be called in the cluster what it is called now" in blocker.change.remedy


@pytest.mark.parametrize(
    "new",
    [
        step("create", SET, "database-set", None, store("database", "postgres:16")),
        step("create", SET, "database-set", None, {**store("database"), "spec": {}}),
        step("create", MAP, "database-set", None, store("database")),
        step("update", SET, "database-set", store("database"), store("database")),
    ],
)
def test_what_differs_in_content_or_kind_is_no_rename(new: dict[str, Any]) -> None:
    assert reviewed(step("delete", SET, "postgres-set", store("postgres")), new).renames == ()


def test_each_resource_is_in_one_pair_at_most() -> None:
    steps = [step("delete", SET, f"old-{n}", store(f"old-{n}")) for n in range(3)]
    steps += [step("create", SET, f"new-{n}", None, store(f"new-{n}")) for n in range(2)]
    pairs = reviewed(*steps).renames
    assert [(each.old.urn.name, each.new.urn.name) for each in pairs] == [
        ("old-0", "new-0"),
        ("old-1", "new-1"),
    ]


def test_empty_objects_are_renamed_only_where_their_names_agree() -> None:
    accounts = [
        step("delete", "kubernetes:core/v1:ServiceAccount", "a", object_of("ServiceAccount", "a")),
        step("create", "kubernetes:core/v1:ServiceAccount", "b", None, object_of("ServiceAccount", "b")),
    ]
    assert reviewed(*accounts).renames == ()
