"""Which stacks make one repository's pipelines, what they must agree on, and what no pipeline may store."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import UserError
from infra.render.generate import PIPELINES
from infra.render.pipelines import chosen, plan
from infra.settings.model import Settings
from tests.pipelines import plans

pytestmark = pytest.mark.unit
KEPT = "awskms://alias/ledger"


def github(name: str, **more: object) -> Settings:
    own = {"provider": "github", "registry": "ghcr.io/team/ledger", **more}
    return plans.stack(name, {**own, **plans.aws(name)})


def refused(*stacks: Settings, keeper: str = KEPT) -> list[str]:
    with pytest.raises(UserError) as caught:
        plan.of(stacks, {str(each.stack): keeper for each in stacks})
    return [str(problem) for problem in caught.value.problems]


def test_stacks_come_in_the_order_in_which_a_change_goes_through_them() -> None:
    found = plans.repository(*(github(name) for name in ("shop-prod", *reversed(plans.THREE), "shop-dev")))
    assert found.names == (*plans.THREE, "shop-dev", "shop-prod")
    assert [str(each.stack) if (each := found.before(stack)) else None for stack in found.stacks] == [
        None,
        "ledger-dev",
        "ledger-staging",
        None,
        "shop-dev",
    ]


def test_stacks_that_disagree_on_what_a_repository_has_once_are_refused_key_by_key() -> None:
    other = github("ledger-prod", branch="trunk", registry="ghcr.io/team/shop")
    render = "write the same in both, or name the stacks of one repository: slipway pipelines render STACK…"
    assert refused(github("ledger-staging"), other) == [
        "slipway:pipelines.branch: main in ledger-staging, and trunk in ledger-prod: one repository has one\n"
        f"  → {render}",
        "slipway:pipelines.registry: ghcr.io/team/ledger in ledger-staging, and ghcr.io/team/shop in "
        f"ledger-prod: one repository has one\n  → {render}",
    ]


def test_a_passphrase_would_have_to_be_stored() -> None:
    assert refused(github("ledger-prod"), keeper="passphrase") == [
        "secretsprovider: ledger-prod's secrets are encrypted with a passphrase, which a pipeline would have "
        'to store\n  → use a key service: pulumi stack change-secrets-provider --stack ledger-prod "awskms://…"'
    ]


def test_without_a_provider_there_is_nothing_to_render() -> None:
    (problem,) = refused(plans.stack("ledger-prod", {}))
    assert problem.startswith("slipway:pipelines.provider: ledger-prod has no pipelines.provider\n  → ")


def test_the_folders_stacks_with_a_provider_are_meant_where_none_is_named() -> None:
    assert chosen.planned((), PIPELINES / "stacks" / "github").names == ("example-staging", "example-prod")


def test_a_folder_without_pipelines_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no stack has slipway:pipelines\.provider"):
        chosen.planned((), tmp_path)


def test_every_problem_of_every_stack_file_is_told_at_once(tmp_path: Path) -> None:
    for name in ("one-dev", "two-dev"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config:\n  slipway:service: {replicas: 0}\n")
    with pytest.raises(UserError) as caught:
        chosen.planned(("one-dev", "two-dev"), tmp_path)
    files = {
        problem.where.rpartition("/")[2].partition(":")[0].partition(" ")[0]
        for problem in caught.value.problems
    }
    assert files == {"Pulumi.one-dev.yaml", "Pulumi.two-dev.yaml"}
