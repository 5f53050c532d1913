"""The policy pack under the real engine: what `pulumi preview --policy-pack infra/policy` says and stops.

The language host that can be had here starts no packs. So there is none on PATH: the engine then looks for a
starter, as it did before hosts could do that, and the starter runs what the official host runs.
"""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pulumi
import pytest

from infra.components.aws.account import provider
from infra.components.aws.arguments import Account, BucketArguments
from infra.components.aws.bucket import BackupBucket
from infra.components.base import Context
from infra.paths import ROOT
from infra.policy.catalogue import RULES
from infra.policy.check import Facts, check
from infra.policy.planned import UNKNOWN, from_preview, left_out
from infra.settings.stack import Environment
from tests.aws.conftest import REGION, Moto
from tests.live.provider.engine import Engine, Outcome, Program
from tests.policy.test_command import TOLD, exempt, write

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PACK = ("--policy-pack", str(ROOT / "infra" / "policy"))
STACK = "ledger-prod"
STARTER = f'#!/bin/sh\nexec {ROOT}/.venv/bin/python -m pulumi.policy "$@"\n'
UNLOCKED = "is false: whoever may delete versions can delete all that is there"


@pytest.fixture
def engine(tmp_path: Path, environment: dict[str, str], moto: Moto) -> Engine:
    """An empty production stack, on an AWS where nothing is yet."""
    moto.reset()
    starter = tmp_path / "bin" / "pulumi-analyzer-policy-python"
    starter.parent.mkdir()
    starter.write_text(STARTER, encoding="utf-8")
    starter.chmod(0o755)
    folders = environment["PATH"].split(os.pathsep)
    hostless = [part for part in folders if not (Path(part) / "pulumi-language-python").exists()]
    path = os.pathsep.join([str(starter.parent), *hostless])
    (tmp_path / "state").mkdir()
    own = {"PATH": path, "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}"}
    made = Engine(tmp_path / "stack", {**environment, **own}, STACK)
    made.start()
    return made


def program(moto: Moto, *, bare: bool = False) -> Program:
    """The project's own bucket, and ``bare`` beside it, which nobody has labelled, closed or encrypted."""

    def run() -> None:
        opts = pulumi.ResourceOptions(providers={"aws": provider(Account(REGION, moto.url))})
        made = BackupBucket("backups", Context(STACK, "unused"), BucketArguments("ledger-backups"), opts)
        if bare:
            open_to_all = {"bucket": "bare", "forceDestroy": True}
            beside = pulumi.ResourceOptions(parent=made)
            pulumi.CustomResource("aws:s3/bucket:Bucket", "bare", open_to_all, beside)

    return run


def told(outcome: Outcome) -> dict[tuple[str, str], tuple[str, str]]:
    """Rule and resource → level and message of everything that a policy has said."""
    events = [event["policyEvent"] for event in outcome.events if "policyEvent" in event]
    return {
        (each["policyName"], each["resourceUrn"].rpartition("::")[2]): (
            each["enforcementLevel"],
            each["message"],
        )
        for each in events
    }


def asked(outcome: Outcome) -> set[str]:
    """Every rule that the engine has put to the pack."""
    return {
        name
        for event in outcome.events
        for kind in ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")
        for name in (*event.get(kind, {}).get("passed", ()), *event.get(kind, {}).get("failed", ()))
    }


def test_every_rule_is_asked_and_advice_stops_nothing(engine: Engine, moto: Moto) -> None:
    outcome = engine.preview(program(moto), *PACK)
    assert outcome.ok, outcome.text
    assert asked(outcome) == {rule.name for rule in RULES if rule.environments}
    ((said, (level, message)),) = told(outcome).items()
    assert (said, level) == (("buckets-are-locked", "backups"), "advisory")
    assert f"objectLockEnabled: {UNLOCKED}\n→ set backups.store.object_lock_days" in message


def test_a_preview_with_a_mandatory_finding_fails_and_names_all_of_them(engine: Engine, moto: Moto) -> None:
    outcome = engine.preview(program(moto, bare=True), *PACK)
    assert not outcome.ok
    mandatory = {said for said, (level, _) in told(outcome).items() if level == "mandatory"}
    assert mandatory == {
        (rule, "bare")
        for rule in (
            "objects-are-labelled",
            "data-outlives-its-stack",
            "buckets-are-encrypted",
            "buckets-take-tls-only",
            "buckets-are-closed",
            "buckets-keep-versions",
        )
    }
    assert "objects-are-labelled" in outcome.text


def test_what_breaks_a_mandatory_rule_by_itself_is_never_made(engine: Engine, moto: Moto) -> None:
    outcome = engine.up(program(moto, bare=True), *PACK)
    assert not outcome.ok
    assert "bare" not in [each["Name"] for each in moto.client("s3").list_buckets()["Buckets"]]
    assert ("objects-are-labelled", "bare") in told(outcome)


def test_what_the_stack_file_accepts_is_not_said(tmp_path: Path, engine: Engine, moto: Moto) -> None:
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    write(stacks, exempt(rule="buckets-are-locked", name="backups"), told=TOLD)
    accepted = Engine(engine.folder, {**engine.environment, "SLIPWAY_STACKS": str(stacks)}, STACK)
    outcome = accepted.preview(program(moto), *PACK)
    assert outcome.ok, outcome.text
    assert told(outcome) == {}


def test_the_saved_preview_is_judged_as_the_pack_judges(engine: Engine, moto: Moto) -> None:
    wanted = program(moto, bare=True)
    by_the_pack = told(engine.preview(wanted, *PACK))
    printed = engine.preview(wanted, "--json").text
    digest = json.loads(printed[printed.index("{") :])
    assert left_out(digest) == 0
    planned = from_preview(digest)
    found = check(planned, Facts(STACK, Environment.PROD, date(2026, 11, 28)))
    assert {(each.rule, each.resource) for each in found} == set(by_the_pack)
    (policy,) = (each for each in planned if each.kind == "BucketPolicy")
    assert policy.properties["policy"] == UNKNOWN, "its bucket has no ARN yet"
