"""Whatever a stack file says: the program itself breaks no rule; only what the file chose can."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples

from infra.declared import declared
from infra.policy.check import IDLE, Facts, check
from infra.settings.model import Settings
from tests.infra.program.any_settings import settings

pytestmark = [pytest.mark.unit, pytest.mark.slow]
# What the file alone decides: image tags, backups and their store, node ports, protection, exemptions.
CHOSEN = {
    "images-do-not-move",
    "databases-have-backups",
    "backups-leave-the-cluster",
    "buckets-are-locked",
    "services-are-not-open",
    "data-outlives-its-stack",
    IDLE,
}
PHASES = (Phase.explicit, Phase.generate)  # shrinking takes minutes; the finding names the place


@examples(
    max_examples=30,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=PHASES,
)
@given(settings())
def test_the_program_breaks_no_rule_by_itself(wanted: Settings) -> None:
    facts = Facts(str(wanted.stack), wanted.stack.environment, date(2026, 1, 1))
    chosen = CHOSEN if wanted.network.policies else CHOSEN | {"pods-have-a-network-policy"}
    found = [each for each in check(declared(wanted), facts) if each.rule not in chosen]
    assert [f"{each.rule} {each}" for each in found] == []
