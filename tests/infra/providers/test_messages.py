"""Secrets taken out of texts, refusals in words, kubeconfigs that are broken, provider inputs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import configuring
from infra.sandbox.providers.kubernetes.applying import PORT_TAKEN, in_words
from infra.sandbox.providers.kubernetes.cluster import NoSuchKindError
from infra.sandbox.providers.kubernetes.kubeconfig import connection
from infra.sandbox.providers.kubernetes.masking import Masks
from infra.sandbox.providers.kubernetes.rest import ApiError, Cause, UnreachableError
from infra.sandbox.providers.shared.values import Properties

pytestmark = pytest.mark.unit


def secret(**data: str) -> Properties:
    return Properties({"apiVersion": "v1", "kind": "Secret", "stringData": data})


@pytest.mark.parametrize(
    "text",
    [
        "login as p@ss word!",
        "postgresql://u:p%40ss%20word%21@db/x",
        f"data: {base64.b64encode(b'p@ss word!').decode()}",
    ],
)
def test_a_secret_is_masked_however_it_is_written(text: str) -> None:
    masks = Masks()
    masks.learn(secret(password="p@ss word!"))
    assert "[secret]" in masks.clean(text)
    assert "p@ss" not in masks.clean(text)


def test_a_marked_value_of_any_object_and_each_line_of_a_key_are_masked() -> None:
    masks = Masks()
    masks.learn(Properties({"kind": "ConfigMap", "data": {"a": "marked-value"}}, frozenset({("data", "a")})))
    masks.learn(secret(key="-----BEGIN\nline-one-of-it\n-----END"))
    assert masks.clean("marked-value, line-one-of-it") == "[secret], [secret]"


def test_short_values_do_not_blank_out_ordinary_words() -> None:
    masks = Masks()
    masks.learn(secret(port="80", flag="on"))
    assert masks.clean("80 pods on") == "80 pods on"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ApiError(409, "Conflict", "…", (Cause(".spec.replicas", 'conflict with "hpa" using v1', ""),)),
            ["another manager (hpa)", ".spec.replicas", "pulumi.com/patchForce"],
        ),
        (
            ApiError(422, "Invalid", "…", (Cause("spec.replicas", "must be ≥ 0", ""),)),
            ["spec.replicas: must be ≥ 0"],
        ),
        (
            ApiError(422, "Invalid", "…", (Cause("spec.ports[0].nodePort", f"30080: {PORT_TAKEN}", ""),)),
            ["another Service", "spec.ports[0].nodePort: 30080", "service.node_port"],
        ),
        (ApiError(403, "Forbidden", "exceeded quota: none"), ["forbidden: exceeded quota"]),
        (ApiError(401, "Unauthorized", "…"), ["does not accept the kubeconfig's credentials"]),
        (NoSuchKindError("a.b/v1", "Odd"), ["no kind Odd in version a.b/v1", "CustomResourceDefinition"]),
        (UnreachableError("https://x:1", "Connection refused"), ["https://x:1", "slipway sandbox status"]),
    ],
)
def test_a_refusal_says_what_and_what_to_do(error: Exception, words: list[str]) -> None:
    text = str(in_words(error, "web"))
    assert text.startswith("web: ")
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [\n", "is not a kubeconfig"),
        ("- a\n- b\n", "no mapping"),
        ("current-context: x\ncontexts: []\n", 'contexts has no "x" (it has: none)'),
        (
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: d}]\n",
            'clusters has no "c" (it has: d)',
        ),
    ],
)
def test_a_broken_kubeconfig_is_refused_with_what_is_missing(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        connection(text)
    assert message in str(refused.value)


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none cannot be read: No such file"):
        connection(str(tmp_path / "none"))


KUBECONFIG = """
current-context: x
contexts: [{name: x, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:%d"}}]
"""


def test_provider_inputs_arrive_as_json_texts() -> None:
    inputs = {"enableConfigMapMutable": "true", "enableSecretMutable": "false", "namespace": "shop"}
    settings = configuring.settings_of(inputs)
    assert (settings.mutable_data, settings.namespace) == (frozenset({"ConfigMap"}), "shop")


def test_another_server_is_another_cluster_unless_the_identifier_says_otherwise() -> None:
    old, new = ({"kubeconfig": KUBECONFIG % port} for port in (1, 2))
    assert configuring.another_cluster(old, new)
    assert not configuring.another_cluster(old, {**old, "namespace": "b"})
    assert not configuring.another_cluster(
        {**old, "clusterIdentifier": "a"}, {**new, "clusterIdentifier": "a"}
    )


def test_inputs_that_cannot_be_honoured_are_all_named() -> None:
    problems = configuring.problems({"enableServerSideApply": "false", "renderYamlToDirectory": "/x"})
    assert set(problems) == {"enableServerSideApply", "renderYamlToDirectory"}
