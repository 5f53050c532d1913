"""The engine's property values, paths and URNs in plain Python and back."""

from __future__ import annotations

import pytest
from pulumi.runtime import rpc

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import urns
from infra.sandbox.providers.shared import paths, values

pytestmark = pytest.mark.unit


def test_the_signatures_are_those_of_the_sdk() -> None:
    assert (
        rpc.UNKNOWN,
        rpc._special_sig_key,
        rpc._special_secret_sig,
    ) == (values.UNKNOWN, values.SIGNATURE, values.SECRET)


def test_secrets_and_unknowns_survive_the_way_there_and_back() -> None:
    value = {"a": {"b": ["x", "y"], "c": 3}, "u": values.UNKNOWN, "f": 0.5, "t": True}
    secrets = frozenset({("a", "b", 1), ("u",)})
    decoded = values.decode(values.encode(value, secrets))
    assert decoded.value == value
    assert decoded.secrets == {("a", "b", 1)}, "an unknown is not wrapped: the engine would take it for known"
    assert not decoded.known


def test_whole_numbers_become_integers_and_nulls_are_dropped() -> None:
    decoded = values.decode(values.encode({"replicas": 2.0, "nothing": None}))
    assert decoded.value == {"replicas": 2}
    assert isinstance(decoded.value["replicas"], int)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "template", "spec", "containers", 0, "image"), "spec.template.spec.containers[0].image"),
        (("metadata", "labels", "app.kubernetes.io/name"), 'metadata.labels["app.kubernetes.io/name"]'),
        (("data", 'a"b'), 'data["a\\"b"]'),
    ],
)
def test_paths_are_written_and_read_in_the_engines_syntax(path: values.Path, text: str) -> None:
    assert paths.render(path) == text
    assert paths.parse(text) == path


URN = "urn:pulumi:{stack}::shop::slipway:index:Service${token}::web"


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("kubernetes:core/v1:Secret", ("v1", "Secret")),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment")),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", ("rbac.authorization.k8s.io/v1", "Role")),
    ],
)
def test_a_type_token_names_the_kind(token: str, kind: tuple[str, str]) -> None:
    assert urns.kind_of(URN.format(stack="test", token=token)) == kind


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:core/v1:ConfigMapPatch",
        "kubernetes:core/v1:PodList",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml/v2:ConfigFile",
    ],
)
def test_what_is_not_served_is_refused_by_its_token(token: str) -> None:
    with pytest.raises(UserError, match=f"does not serve {token}"):
        urns.kind_of(URN.format(stack="test", token=token))
