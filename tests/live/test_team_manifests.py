"""Every team's planned objects before a real API server, in a dry run under the restricted profile."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.names import LOGS_SUFFIX
from tests.infra.program.test_team_stacks import STACKS, program

pytestmark = [pytest.mark.live]
SIGNATURE = "4dabf18193072939515e22adb298388d"  # marks a secret on Pulumi's wire
Apply = Callable[[list[dict[str, Any]]], str]


def plain(value: Any) -> Any:
    """The same as Kubernetes gets it: secrets without Pulumi's wrapping."""
    if isinstance(value, dict):
        return plain(value["value"]) if SIGNATURE in value else {key: plain(v) for key, v in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def apply(environment: dict[str, str]) -> Iterator[Apply]:
    """Objects in, what kubectl said out; warnings are errors, and nothing is kept."""
    own = f"manifests-{uuid.uuid4().hex[:8]}"
    profiles = {own: "restricted", f"{own}{LOGS_SUFFIX}": "privileged"}  # the second: who reads nodes' files

    def kubectl(*arguments: str, stdin: str = "") -> str:
        command = ["kubectl", *arguments]
        answer = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=120
        )
        assert answer.returncode == 0, answer.stderr or "no cluster answers; run: make up"
        return answer.stdout

    def dry_run(objects: list[dict[str, Any]]) -> str:
        for item in objects:
            apart = str(item["metadata"].get("namespace", "")).endswith(LOGS_SUFFIX)
            item["metadata"]["namespace"] = f"{own}{LOGS_SUFFIX}" if apart else own
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        flags = ("--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors")
        return kubectl("apply", *flags, "--output=name", "--filename=-", stdin=listed)

    for namespace, profile in profiles.items():
        kubectl("create", "namespace", namespace)
        labels = [f"pod-security.kubernetes.io/{mode}={profile}" for mode in ("enforce", "warn")]
        kubectl("label", "namespace", namespace, *labels)
    yield dry_run
    kubectl("delete", "namespace", *profiles, "--wait=false")


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_takes_what_a_team_stack_plans(stack: str, apply: Apply) -> None:
    declared = [item for item in program(stack).resources if item.typ.startswith("kubernetes:")]
    objects = [plain(item.inputs) for item in declared if item.inputs["kind"] != "Namespace"]
    said = apply(objects).splitlines()
    assert len(said) == len(objects) >= 15
