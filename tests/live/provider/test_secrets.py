"""What is secret stays secret: in the state, in every output, and in what a pod printed."""

from __future__ import annotations

import base64
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest

from tests.live.provider.conftest import World

pytestmark = [pytest.mark.live, pytest.mark.slow]
PROVIDER = {"enable_config_map_mutable": True, "enable_secret_mutable": True}
FIRST, SECOND, MARKED = "first-5up3r-s3cret", "second-5up3r-s3cret", "marked-5up3r-s3cret"


def spread(engine_folder: Path, *values: str) -> list[str]:
    """The files of the backend in which one of the values can be read."""
    forms = {form for v in values for form in (v, base64.b64encode(v.encode()).decode())}
    files = [path for path in engine_folder.rglob("*") if path.is_file()]
    return [str(f) for f in files if any(form in f.read_text("utf-8", "replace") for form in forms)]


@pytest.fixture(scope="module")
def outputs(world: World) -> str:
    """Everything the engine printed over a creation, a diff, an update and a refresh."""
    said = []
    for value in (FIRST, SECOND):

        def run(opts: pulumi.ResourceOptions, value: str = value) -> None:
            metadata = {"name": "password"}
            k8s.core.v1.Secret("password", metadata=metadata, string_data={"password": value}, opts=opts)
            data = {"open": f"plain {len(value)}", "hidden": pulumi.Output.secret(MARKED)}
            made = k8s.core.v1.ConfigMap("mixed", metadata={"name": "mixed"}, data=data, opts=opts)
            pulumi.export("hidden", made.data)

        said.append(world.preview(run, "--diff"))
        said.append(world.up(run, "--diff"))
        said.append(world.up(run, "--refresh", "--diff"))
    assert all(outcome.ok for outcome in said), [outcome.text for outcome in said]
    return "\n".join(outcome.text for outcome in said)


def test_a_secret_reaches_the_cluster_and_no_output(world: World, outputs: str) -> None:
    live = world.kube.get("secret", "password")
    assert live["data"]["password"] == base64.b64encode(SECOND.encode()).decode()
    for value in (FIRST, SECOND):
        assert value not in outputs
        assert base64.b64encode(value.encode()).decode() not in outputs


def test_a_value_marked_secret_stays_secret_in_an_object_that_is_not(world: World, outputs: str) -> None:
    assert world.kube.get("configmap", "mixed")["data"]["hidden"] == MARKED
    assert MARKED not in outputs
    assert "plain 1" in outputs


def test_the_state_holds_secrets_only_encrypted(world: World, outputs: str) -> None:
    backend = Path(world.engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    assert spread(backend, "plain 19"), "the state was looked for in the wrong place"
    assert not spread(backend, FIRST, SECOND, MARKED)
