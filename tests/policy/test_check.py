"""What breaks a rule, what a stack is exempt from and until when, and how fast that is known."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest

from infra.policy import check
from infra.policy.catalogue import RULES
from infra.policy.check import IDLE, Facts
from infra.policy.rule import Finding, Severity
from infra.settings.policy import Exemption
from infra.settings.stack import Environment
from tests.bench import policy as bench
from tests.policy.manifests import FOLDER, read, resource

pytestmark = pytest.mark.unit
TODAY = date(2026, 11, 28)
FACTS = Facts("ledger-prod", Environment.PROD, TODAY)
RULE = "services-are-not-open"
OPEN = resource(
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "open"}, "spec": {"type": "NodePort"}}
)
REASON = "the office reaches it so until spring"


def exempt(rule: str = RULE, name: str = "open", until: str | None = None) -> Facts:
    return replace(FACTS, exempt=(Exemption(rule=rule, resource=name, reason=REASON, until=until),))


def of(findings: list[Finding], rule: str) -> list[Finding]:
    return [each for each in findings if each.rule == rule]


def test_a_finding_names_rule_resource_property_value_and_remedy() -> None:
    (found,) = of(check.check([OPEN], FACTS), RULE)
    assert (found.urn, found.severity) == (OPEN.urn, Severity.MANDATORY)
    assert str(found) == (
        "open spec.type: is NodePort: every node answers on its port, without TLS\n"
        "  → use type ClusterIP and an Ingress; a load balancer needs loadBalancerSourceRanges or an "
        "internal address"
    )


def test_a_rule_is_silent_where_it_does_not_apply() -> None:
    assert of(check.check([OPEN], replace(FACTS, environment=Environment.STAGING)), RULE) == []


def test_mandatory_findings_come_first() -> None:
    planned = [*read(FOLDER / "buckets-are-locked" / "bad.yaml").plan.resources, OPEN]
    severities = [each.severity for each in check.check(planned, FACTS)]
    assert set(severities) == set(Severity)
    assert severities == sorted(severities, key=list(Severity).index)


@pytest.mark.parametrize("until", [None, "2026-11-28", "2026-11-29"])
def test_what_is_exempt_is_no_finding_and_its_reason_is_kept(until: str | None) -> None:
    verdict = check.examine([OPEN], exempt(until=until))
    assert of(list(verdict.findings), RULE) == []
    ((accepted, exemption),) = verdict.exempted
    assert (accepted.rule, accepted.resource, exemption.reason) == (RULE, "open", REASON)


def test_an_exemption_ends_with_its_last_day() -> None:
    verdict = check.examine([OPEN], exempt(until="2026-11-27"))
    (found,) = of(list(verdict.findings), RULE)
    assert found.what.endswith("; its exemption ended on 2026-11-27")
    assert (found.severity, verdict.exempted) == (Severity.MANDATORY, ())
    assert of(list(verdict.findings), IDLE) == [], "it is said once"


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (exempt(name="other"), f"other does not break {RULE}, and is exempt from it"),
        (exempt(rule="images-do-not-move"), "open does not break images-do-not-move, and is exempt from it"),
        (
            exempt(rule="service-are-not-open"),
            "there is no rule service-are-not-open; did you mean " + RULE + "?",
        ),
        (exempt(rule="nothing-of-the-kind"), "there is no rule nothing-of-the-kind"),
    ],
)
def test_an_exemption_that_accepts_nothing_is_told(facts: Facts, what: str) -> None:
    found = check.check([OPEN], facts)
    (idle,) = of(found, IDLE)
    assert (idle.path, idle.what, idle.severity) == ("policy.exempt[0]", what, Severity.ADVISORY)
    assert len(of(found, RULE)) == 1


def test_what_two_containers_share_is_said_once() -> None:
    found = check.check(read(FOLDER / "pods-run-as-non-root" / "bad.yaml").plan.resources, FACTS)
    shared = [each for each in found if each.resource == "as-root" and each.path.endswith("runAsUser")]
    assert len(shared) == 1


def test_every_rule_says_what_must_hold_why_and_what_to_do() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert IDLE not in names
    for rule in RULES:
        assert rule.title.endswith("."), rule.name
        assert rule.why.endswith("."), rule.name
        assert not rule.remedy.endswith("."), rule.name


def test_no_finding_shows_what_may_be_a_secret() -> None:
    planned = read(FOLDER / "secrets-stay-in-secrets" / "bad.yaml").plan.resources
    said = "\n".join(map(str, check.check(planned, FACTS)))
    assert "sesame" not in said
    assert "secrets" in said


def test_five_thousand_resources_take_less_than_a_second() -> None:
    planned = bench.resources()
    begun = time.process_time()  # this process alone, whatever else the machine does
    found = check.check(planned, bench.FACTS)
    assert time.process_time() - begun < 1
    assert len(planned) == bench.RESOURCES
    assert {each.rule for each in found} >= {"buckets-are-locked", "data-outlives-its-stack"}
