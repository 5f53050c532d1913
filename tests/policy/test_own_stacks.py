"""No stack of the repository breaks a rule that stops it: teams' files, profiles, all that there can be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import yaml

from infra.declared import declared
from infra.names import SANDBOX
from infra.paths import ROOT
from infra.policy.catalogue import RULES
from infra.policy.check import IDLE, Facts, Verdict, examine
from infra.policy.rule import Severity
from infra.render import everything
from infra.render.generate import operated, profile
from infra.settings import check, layers
from infra.settings.grafana import Grafana
from infra.settings.model import Settings
from infra.settings.policy import Policy
from infra.settings.service import Autoscaling
from infra.settings.stack import Environment

pytestmark = pytest.mark.unit
STACKS = layers.discover(ROOT / "stacks")
TODAY = date(2026, 11, 28)


def judged(settings: Settings) -> Verdict:
    facts = Facts(str(settings.stack), settings.stack.environment, TODAY, settings.policy.exempt)
    return examine(declared(settings), facts)


def stopping(verdict: Verdict) -> list[str]:
    return [f"{each.rule} {each}" for each in verdict.findings if each.severity is Severity.MANDATORY]


@pytest.mark.parametrize("stack", [name for name in STACKS if name != SANDBOX])
def test_a_team_stack_breaks_no_mandatory_rule_and_is_exempt_from_none_in_vain(stack: str) -> None:
    verdict = judged(check.load(stack, ROOT / "stacks"))
    assert stopping(verdict) == []
    assert [each for each in verdict.findings if each.rule == IDLE] == []


def whole(settings: Settings) -> Settings:
    """With an ingress, an autoscaler, backups with their archive, Grafana and logs."""
    monitoring = settings.monitoring.model_copy(update={"enabled": True, "grafana": Grafana(enabled=True)})
    logs = settings.logs.model_copy(update={"enabled": True})
    images = settings.images.model_copy(update={"backups": "registry.example/team/backups:1.4.2"})
    changed = {"monitoring": monitoring, "logs": logs, "images": images}
    return everything.of(settings).model_copy(update=changed)


def scaled_by_requests(settings: Settings) -> Settings:
    """All of that, with the adapter that tells the autoscaler about requests."""
    found = whole(settings)
    service = found.service.model_copy(
        update={"autoscaling": Autoscaling(enabled=True, requests_per_second=50)}
    )
    return found.model_copy(update={"service": service})


def watched_by_the_cluster(settings: Settings) -> Settings:
    return operated(whole(settings))


@pytest.mark.parametrize(
    "made", [whole, scaled_by_requests, watched_by_the_cluster], ids=lambda made: made.__name__
)
@pytest.mark.parametrize("environment", [each for each in Environment if each is not Environment.SANDBOX])
def test_all_that_a_profile_can_have_breaks_no_mandatory_rule(
    environment: Environment, made: Callable[[Settings], Settings]
) -> None:
    assert stopping(judged(made(profile(environment)))) == []


def test_the_sandboxs_profile_breaks_no_mandatory_rule() -> None:
    assert stopping(judged(profile(Environment.SANDBOX))) == []


@pytest.mark.parametrize("environment", [Environment.DEV, Environment.STAGING])
def test_a_profile_alone_breaks_no_mandatory_rule(environment: Environment) -> None:
    assert stopping(judged(profile(environment))) == []


def test_a_production_stack_that_says_nothing_of_backups_is_stopped_by_that_alone() -> None:
    found = {
        each.rule
        for each in judged(profile(Environment.PROD)).findings
        if each.severity is Severity.MANDATORY
    }
    assert found == {"databases-have-backups"}


def test_the_whole_of_production_holds_all_that_the_rules_are_about() -> None:
    """Else a rule that finds nothing in it would prove nothing."""
    kinds = {each.kind for each in declared(check.load("uvis-prod", ROOT / "stacks"))}
    assert kinds >= {
        "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Namespace", "Service", "Ingress",
        "HorizontalPodAutoscaler", "PodDisruptionBudget", "RoleBinding", "Secret", "ConfigMap", "Bucket",
        "BucketPolicy", "BucketVersioning", "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
    }  # fmt: skip


def test_the_example_of_the_page_is_an_exemption_of_a_rule_that_there_is() -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    (section,) = yaml.safe_load(example).values()
    (exemption,) = Policy.model_validate(section, strict=False).exempt
    assert exemption.rule in {rule.name for rule in RULES}
    assert not exemption.ended(TODAY)
