"""Whom the plugin serves: on every request, whatever the engine asks first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2 as messages

from infra.sandbox import identities
from infra.sandbox.config import KUBECONFIG_MARK, SandboxConfig
from infra.sandbox.providers.kubernetes.servicer import Servicer
from infra.sandbox.providers.shared.face import Face
from infra.sandbox.providers.shared.values import UNKNOWN, encode

pytestmark = pytest.mark.unit
URN = "urn:pulumi:{stack}::slipway::{token}::x"
PROVIDER, POD = "pulumi:providers:kubernetes", "kubernetes:core/v1:Pod"
CONFIGURING = ("CheckConfig", "DiffConfig", "Configure")
ACTING = ("Check", "Diff", "Create", "Read", "Update", "Delete")
UNANSWERED = {"Handshake", "GetPluginInfo", "GetSchema", "Invoke", "Cancel"}


class RefusedError(Exception):
    """What a call was aborted with."""


class Context:
    """A gRPC call as the servicer sees it."""

    def abort(self, _code: Any, message: str) -> None:
        raise RefusedError(message)

    def set_trailing_metadata(self, _pairs: Any) -> None: ...


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig of a sandbox that was up; nothing listens at its address."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    config = SandboxConfig("other", 9)
    identities.ensure(config)
    return config.kubeconfig


def changed(source: Path, **cluster: Any) -> Path:
    """A copy whose cluster entry differs; a key that is None is left out."""
    content = yaml.safe_load(source.read_text())
    entry = {**content["clusters"][0]["cluster"], **cluster}
    content["clusters"][0]["cluster"] = {key: value for key, value in entry.items() if value is not None}
    target = source.with_name("changed")
    target.write_text(yaml.safe_dump(content))
    return target


def configuring(method: str, stack: str, inputs: dict[str, Any]) -> Any:
    """One of the requests about the provider itself, to a plugin that knows nothing yet."""
    urn, data = URN.format(stack=stack, token=PROVIDER), encode(inputs)
    requests: dict[str, Any] = {
        "CheckConfig": messages.CheckRequest(urn=urn, news=data),
        "DiffConfig": messages.DiffRequest(urn=urn, news=data, old_inputs=data),
        "Configure": messages.ConfigureRequest(urn=urn, args=data),
    }
    return getattr(Servicer(""), method)(requests[method], Context())


def acting(method: str, stack: str, inputs: dict[str, Any]) -> Any:
    """A request about a resource, to a plugin that was configured without being told the stack."""
    servicer = Servicer("")
    servicer.Configure(messages.ConfigureRequest(args=encode(inputs)), Context())
    servicer.session.cluster = None  # nothing of this test may ever leave for a network
    names = {"Check": "CheckRequest", "Diff": "DiffRequest", "Create": "CreateRequest", "Read": "ReadRequest",
             "Update": "UpdateRequest", "Delete": "DeleteRequest"}  # fmt: skip
    request = getattr(messages, names[method])(urn=URN.format(stack=stack, token=POD))
    return getattr(servicer, method)(request, Context())


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("method", CONFIGURING)
@pytest.mark.parametrize("stack", ["sandbox", "test", "test-7f", "test1", "ledger-dev", "my-sandbox"])
def test_a_stack_on_the_sandboxs_cluster_is_served(ours: Path, method: str, stack: str) -> None:
    assert configuring(method, stack, {"kubeconfig": str(ours)}) is not None


@pytest.mark.parametrize("method", ACTING)
def test_its_resources_are_served_too(ours: Path, method: str) -> None:
    try:
        acting(method, "ledger-dev", {"kubeconfig": str(ours)})
    except RefusedError as refused:
        assert "plugin" not in str(refused)  # there is no cluster to act on, and nothing else is wrong


@pytest.mark.parametrize("method", [*CONFIGURING, *ACTING])
@pytest.mark.parametrize("stack", ["ledger-prod", "sandbox2", "testing", "prod-test", "my-sandbox"])
def test_any_other_cluster_is_refused_with_the_way_to_the_official_plugin(
    ours: Path, method: str, stack: str
) -> None:
    theirs = {"kubeconfig": str(changed(ours, server="https://10.0.0.1:6443"))}
    text = refusal(configuring if method in CONFIGURING else acting, method, stack, theirs)
    assert text.startswith(f"stack {stack}: pulumi-resource-kubernetes on PATH is the sandbox's plugin")
    assert 'context "other" leads to https://10.0.0.1:6443' in text
    assert "pulumi plugin install resource kubernetes 4.34.2" in text


@pytest.mark.parametrize("method", ["CheckConfig", "Configure"])
@pytest.mark.parametrize("stack", ["sandbox", "test-7f"])
def test_the_stacks_sandbox_and_test_are_served_anywhere(ours: Path, method: str, stack: str) -> None:
    theirs = {"kubeconfig": str(changed(ours, server="https://10.0.0.1:6443"))}
    assert configuring(method, stack, theirs) is not None


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        ({"extensions": None}, f"without the mark {KUBECONFIG_MARK}, which slipway up writes"),
        ({"extensions": [{"name": "else"}, None]}, "without the mark"),
        ({"server": "https://10.201.9.2.example:6443"}, "leads to https://10.201.9.2.example:6443"),
        ({"server": "https://10.201.10.2:6443"}, "leads to https://10.201.10.2:6443"),
        ({"server": None}, "leads to no server"),
    ],
)
def test_mark_and_address_are_both_wanted(ours: Path, cluster: dict[str, Any], why: str) -> None:
    inputs = {"kubeconfig": str(changed(ours, **cluster))}
    assert why in refusal(configuring, "Configure", "ledger-dev", inputs)


def test_the_context_that_is_named_decides(ours: Path) -> None:
    content, theirs = (yaml.safe_load(path.read_text()) for path in (ours, changed(ours, server="https://x")))
    for section in ("clusters", "contexts"):
        content[section].append({**theirs[section][0], "name": "work"})
    content["contexts"][1]["context"] = {"cluster": "work", "user": "other-admin"}
    inputs = {"kubeconfig": yaml.safe_dump(content)}
    assert configuring("Configure", "ledger-dev", inputs) is not None
    for chosen in ({"context": "work"}, {"cluster": "work"}):
        assert "leads to https://x" in refusal(configuring, "Configure", "ledger-dev", {**inputs, **chosen})


def test_a_kubeconfig_that_is_not_known_yet_is_refused(ours: Path) -> None:
    text = refusal(configuring, "CheckConfig", "ledger-dev", {"kubeconfig": UNKNOWN})
    assert "the kubeconfig is not known yet" in text


def test_without_a_kubeconfig_the_one_of_the_environment_decides(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be read" in refusal(configuring, "Configure", "ledger-dev", {})
    monkeypatch.setenv("KUBECONFIG", str(ours))
    assert configuring("Configure", "ledger-dev", {}) is not None


def test_of_several_files_the_first_word_counts_as_it_does_for_kubectl(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, chosen = changed(ours, server="https://x"), ours.with_name("chosen")
    chosen.write_text(
        yaml.safe_dump({"current-context": yaml.safe_load(ours.read_text())["current-context"]})
    )
    away = ours.with_name("none")
    monkeypatch.setenv("KUBECONFIG", f"{chosen}:{away}:{ours}:{theirs}")
    assert configuring("Configure", "ledger-dev", {}) is not None
    monkeypatch.setenv("KUBECONFIG", f"{chosen}:{away}:{theirs}:{ours}")
    assert "leads to https://x" in refusal(configuring, "Configure", "ledger-dev", {})
    chosen.write_text(yaml.safe_dump({"current-context": "nowhere"}))
    assert 'contexts has no "nowhere"' in refusal(configuring, "Configure", "ledger-dev", {})


def test_no_environment_variable_lifts_the_rule(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = changed(ours, server="https://10.0.0.1:6443")
    for name in ("PULUMI_K8S_DELETE_UNREACHABLE", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("XDG_STATE_HOME", str(theirs.parent))
    monkeypatch.setenv("KUBECONFIG", str(theirs))
    assert "the sandbox's plugin" in refusal(configuring, "Configure", "ledger-dev", {})


def test_a_sandbox_that_is_not_up_yet_can_be_previewed_but_not_changed(ours: Path) -> None:
    ours.unlink()
    inputs = {"kubeconfig": str(ours)}
    assert configuring("CheckConfig", "ledger-dev", inputs) is not None
    assert "cannot be read" in refusal(acting, "Create", "ledger-dev", inputs)
    away = {"kubeconfig": str(ours.with_name("config"))}
    assert "the sandbox's plugin" in refusal(configuring, "CheckConfig", "ledger-dev", away)


def test_a_plugin_that_was_never_configured_serves_no_resource() -> None:
    request = messages.CreateRequest(urn=URN.format(stack="ledger-dev", token=POD))
    assert "the provider is not configured" in refusal(Servicer("").Create, request, Context())


def test_every_request_that_is_answered_stands_in_this_file() -> None:
    defined = {name for part in (Servicer, Face) for name in vars(part) if name[0].isupper()}
    assert defined == {*CONFIGURING, *ACTING, *UNANSWERED}
