"""Whatever validates can be built, and is the same after a way through a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, example, given
from hypothesis import settings as examples

from infra import limits
from infra.render import pitr
from infra.settings import check, layers
from infra.settings.model import SECTIONS, Settings
from infra.settings.stack import Environment
from tests.infra.mocks import SECRETS, Built, built, settings
from tests.infra.program import any_settings

pytestmark = pytest.mark.unit
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
SIZES = {"cpu": limits.cpu_millis, "memory": limits.memory_bytes}
CAGE = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)  # explaining a failure takes minutes of builds
BUILDS = examples(max_examples=40, derandomize=True, database=None, phases=PHASES)
FILES = examples(BUILDS, max_examples=100)
NOBODYS_HOME = settings("ledger-dev", cluster={"kubeconfig": "~nobody-here/kubeconfig"})


@pytest.mark.slow
@BUILDS
@example(NOBODYS_HOME)
@given(any_settings.settings())
def test_whatever_validates_builds_and_keeps_the_house_rules(wanted: Settings) -> None:
    made = built(wanted)
    containers_are_caged_and_bounded(made)
    names_are_labels(made)
    pools_fit_the_planned_database(made)
    nothing_plain_holds_a_secret(made)
    policies_are_what_the_api_takes(made, closed=wanted.network.policies)


def containers_are_caged_and_bounded(made: Built) -> None:
    for name, pod in made.pods():
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            bounds = container["resources"]
            assert {"cpu", "memory"} == set(bounds["requests"])
            assert "memory" in bounds["limits"]
            for size, limit in bounds["limits"].items():
                assert SIZES[size](bounds["requests"][size]) <= SIZES[size](limit), name
            # The node's files are root's: who reads them is root, and has nothing else that root has.
            assert container["securityContext"] == {**CAGE, "runAsNonRoot": name != "logs-collector-nodes"}
            probes = {"startupProbe", "readinessProbe", "livenessProbe"}
            unasked = name in made.ending or container["name"] == pitr.CONTAINER  # serves nobody
            assert probes <= set(container) or unasked, name


def names_are_labels(made: Built) -> None:
    for item in made.resources:
        metadata = item.inputs.get("metadata", {})
        name = metadata.get("name", "a")
        parts = name.split(".") if item.typ.endswith(":APIService") else [name]  # it is its version and group
        for text in [*parts, metadata.get("namespace", "a")]:
            assert LABEL.fullmatch(text), item.name
        assert [v for v in metadata.get("labels", {}).values() if not LABEL_VALUE.fullmatch(v)] == []
    for ingress in made.kind("Ingress").values():
        spec = ingress["spec"]
        named = [spec.get("ingressClassName", "a"), *(tls["secretName"] for tls in spec.get("tls", []))]
        for text in [*named, *(rule["host"] for rule in spec["rules"])]:
            assert len(text) <= 253
            assert all(LABEL.fullmatch(label) for label in text.split("."))


def pools_fit_the_planned_database(made: Built) -> None:
    """Counted from the plan alone, so that a rule that counts wrongly is found out."""
    deployment = made.kind("Deployment")["service-deployment"]["spec"]
    scalers = [scaler["spec"] for scaler in made.kind("HorizontalPodAutoscaler").values()]
    assert ("replicas" in deployment) is not bool(scalers)
    pods = scalers[0]["maxReplicas"] if scalers else deployment["replicas"]
    fewest = scalers[0]["minReplicas"] if scalers else deployment["replicas"]
    variables = made.kind("ConfigMap")["service-environment"]["data"]
    pool = int(variables["DATABASE_POOL_SIZE"]) + int(variables["DATABASE_MAX_OVERFLOW"])
    config = made.kind("ConfigMap")["postgres-config"]["data"]["postgresql.conf"]
    offered = dict(re.findall(r"^(\w+_connections) = (\d+)$", config, re.MULTILINE))
    free = int(offered["max_connections"]) - int(offered["superuser_reserved_connections"])
    surge = deployment["strategy"]["rollingUpdate"]["maxSurge"]
    assert pool * (pods + surge) < free
    assert made.kind("PodDisruptionBudget")["service-budget"]["spec"].get("minAvailable", 0) < fewest


def nothing_plain_holds_a_secret(made: Built) -> None:
    for item in made.resources:
        if not item.typ.endswith(":Secret"):
            text = json.dumps(item.inputs, default=str)
            assert [name for name, value in SECRETS.items() if value in text] == [], item.name
    assert [name for name, value in SECRETS.items() if value in str(made.exports)] == []


def policies_are_what_the_api_takes(made: Built, *, closed: bool) -> None:
    """As the API server validates them: ports, networks, and exceptions strictly inside their network."""
    found = made.kind("NetworkPolicy")
    assert bool(found) is closed
    for name, policy in found.items():
        for rule in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())):
            assert all(1 <= port.get("port", 1) <= 65_535 for port in rule["ports"]), name
            for row in rule.get("from", rule.get("to", ())):
                block = row.get("ipBlock", {"cidr": "0.0.0.0/0"})
                whole = ip_network(block["cidr"])
                for inner in map(ip_network, block.get("except", ())):
                    assert inner.version == whole.version, name
                    assert inner.prefixlen > whole.prefixlen, name
                    assert inner.network_address in whole, name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stack files over empty profiles: what a file says is then all there is."""
    made = tmp_path_factory.mktemp("stacks")
    (made / "profiles").mkdir()
    for environment in Environment:
        (made / "profiles" / f"{environment}.yaml").touch()
    yield made


@pytest.mark.slow
@FILES
@given(any_settings.settings())
def test_settings_come_back_from_a_file_as_they_were(folder: Path, wanted: Settings) -> None:
    file = layers.stack_file(str(wanted.stack), folder)
    file.write_text(written(wanted), encoding="utf-8")
    assert check.load(str(wanted.stack), folder) == wanted


def written(wanted: Settings) -> str:
    """A stack file that says everything, with as many encrypted values as the stack needs."""
    dumped = wanted.model_dump(mode="json")
    config: dict[str, Any] = {f"slipway:{section}": dumped[section] for section in SECTIONS}
    config["slipway:secrets"] = {name.value: {"secure": "v1:bm9uZQ=="} for name in wanted.secret_names}
    whole = {"encryptionsalt": "v1:c2FsdA==:v1:bm9uZQ==:dGV4dA==", "config": config}
    return yaml.dump(whole, Dumper=Quoting, sort_keys=False)


class Quoting(yaml.SafeDumper):
    """Quotes every text: PyYAML leaves some bare that another parser takes for a number, such as 08."""


Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)
