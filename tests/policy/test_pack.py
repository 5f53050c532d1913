"""The policy pack as its process serves it, and the rules as it hands them what the engine asks about."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy import PolicyCustomTimeouts, PolicyResourceOptions, ResourceValidationArgs
from pulumi_policy.proxy import unknown_checking_proxy

from infra.paths import ROOT
from infra.policy import pack
from infra.policy.catalogue import RULES
from infra.policy.planned import UNKNOWN
from infra.policy.rule import Rule, Severity
from infra.settings.stack import Environment
from tests.infra.program.test_team_stacks import FOLDER as STACKS
from tests.policy.manifests import files, read
from tests.policy.test_command import exempt, write

pytestmark = pytest.mark.unit
FOLDER = ROOT / "infra" / "policy"
STACK = "ledger-prod"
LEVELS = {Severity.MANDATORY: proto.MANDATORY, Severity.ADVISORY: proto.ADVISORY}


@contextmanager
def serving(stack: str, stacks: Path) -> Iterator[Any]:
    """The pack's process, as the language host starts it, to be asked over gRPC as the engine does."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PULUMI_PROJECT": "slipway",
        "PULUMI_STACK": stack,
        "PULUMI_DRY_RUN": "true",
        "SLIPWAY_STACKS": str(stacks),
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."],
        cwd=FOLDER, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), "the pack did not start"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The pack for a production stack without a stack file."""
    with serving(STACK, tmp_path_factory.mktemp("stacks")) as found:
        yield found


def struct(properties: Any) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def asked(analyzer: Any, path: Path) -> list[tuple[str, str, str]]:
    """Everything that the pack says of a fixture: rule, resource, first line of the finding."""
    resources = read(path).plan.resources
    options = [
        proto.AnalyzerResourceOptions(protect=each.options.protect, ignoreChanges=each.options.ignored)
        for each in resources
    ]
    single = [
        analyzer.Analyze(
            proto.AnalyzeRequest(
                type=each.type,
                urn=each.urn,
                name=each.name,
                properties=struct(each.properties),
                options=chosen,
            )
        )
        for each, chosen in zip(resources, options, strict=True)
    ]
    whole = proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(
                type=each.type,
                urn=each.urn,
                name=each.name,
                properties=struct(each.properties),
                options=chosen,
            )
            for each, chosen in zip(resources, options, strict=True)
        ]
    )
    said = [
        *((answer, each.urn) for answer, each in zip(single, resources, strict=True)),
        (analyzer.AnalyzeStack(whole), ""),
    ]
    return [
        (found.policyName, (found.urn or urn).rpartition("::")[2], found.message.splitlines()[1])
        for answer, urn in said
        for found in answer.diagnostics
    ]


def test_the_pack_lists_exactly_the_rules_with_their_levels(analyzer: Any) -> None:
    info = analyzer.GetAnalyzerInfo(proto.AnalyzerInfo())
    assert (info.name, len(info.policies)) == ("slipway", len(RULES))
    for rule, policy in zip(RULES, info.policies, strict=True):
        level = LEVELS[rule.severity] if rule.environments else proto.DISABLED
        kind = proto.POLICY_TYPE_RESOURCE if rule.alone else proto.POLICY_TYPE_STACK
        assert (policy.name, policy.description) == (rule.name, rule.title)
        assert (policy.enforcementLevel, policy.policy_type) == (level, kind), rule.name
        assert policy.remediation_steps == rule.remedy


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.environments], ids=lambda rule: rule.name)
def test_the_pack_says_of_a_bad_fixture_what_the_rule_finds(analyzer: Any, rule: Rule) -> None:
    for path in files(rule.name, "bad"):
        wanted = {
            (rule.name, each["resource"], f"{each['path']}: {each['what']}" if each["path"] else each["what"])
            for each in read(path).findings
        }
        assert {found for found in asked(analyzer, path) if found[0] == rule.name} == wanted


UNSEEN = {"data-outlives-its-stack"}  # the SDK does not tell a policy of retainOnDelete


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.environments], ids=lambda rule: rule.name)
def test_the_pack_says_nothing_of_a_good_fixture(analyzer: Any, rule: Rule) -> None:
    for path in files(rule.name, "good"):
        if read(path).plan.environment not in rule.environments:
            continue  # good because the rule is not for it, and the pack's stack here is one of production
        found = [resource for name, resource, _ in asked(analyzer, path) if name == rule.name]
        assert found == (["volume"] if rule.name in UNSEEN else [])


def test_the_pack_is_of_the_projects_version() -> None:
    project = yaml.safe_load((FOLDER / "PulumiPolicy.yaml").read_text())
    assert (project["version"], project["runtime"]) == (version("slipway-iac"), "python")


def test_no_module_of_the_packs_folder_hides_one_of_the_standard_library() -> None:
    """The folder comes first on the path of the pack's process."""
    names = {path.stem for path in FOLDER.glob("*.py")} | {
        path.name for path in FOLDER.iterdir() if path.is_dir()
    }
    assert names & set(sys.stdlib_module_names) == set()


def args(properties: dict[str, Any]) -> ResourceValidationArgs:
    options = PolicyResourceOptions(True, ["spec.replicas"], None, [], PolicyCustomTimeouts(0, 0, 0), [])
    proxy = unknown_checking_proxy(properties)
    return ResourceValidationArgs(
        "kubernetes:apps/v1:Deployment", proxy, "urn:x::y::z::service", "service", options, None
    )


def test_what_is_not_known_yet_is_unknown_and_not_an_error() -> None:
    found = pack.planned(
        args({"spec": {"replicas": UNKNOWN, "list": [UNKNOWN, {"a": 2.0}]}, "status": UNKNOWN})
    )
    assert found.properties == {
        "spec": {"replicas": UNKNOWN, "list": [UNKNOWN, {"a": 2}]},
        "status": UNKNOWN,
    }
    assert (found.name, found.options.protect, found.options.ignored) == ("service", True, ("spec.replicas",))


def test_a_stack_of_somebody_else_is_judged_like_production() -> None:
    facts = pack.facts_of("playground")
    assert (facts.environment, facts.exempt) == (Environment.PROD, ())


def test_a_stack_of_ours_is_judged_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STACKS", str(STACKS))
    assert pack.facts_of("endy-staging").environment is Environment.STAGING


def test_a_rule_that_is_not_for_an_environment_says_so(tmp_path: Path) -> None:
    with serving("ledger-dev", tmp_path) as analyzer:
        answer = analyzer.Analyze(proto.AnalyzeRequest(type="kubernetes:core/v1:Service", urn="u", name="n"))
    said = {each.policy_name: each.reason for each in answer.not_applicable}
    assert said == {"services-are-not-open": "is not for dev", "ingresses-have-tls": "is not for dev"}


def test_an_exemption_of_the_stack_file_is_heeded(tmp_path: Path) -> None:
    (bad,) = files("buckets-are-locked", "bad")
    write(tmp_path, exempt(rule="buckets-are-locked", name="bucket"))
    with serving(STACK, tmp_path) as analyzer:
        assert "buckets-are-locked" not in [rule for rule, _, _ in asked(analyzer, bad)]
