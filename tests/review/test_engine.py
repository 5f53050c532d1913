"""Reviews of the real engine's previews, as it writes them: nothing cleaned, nothing left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from infra.components.base import Component, Context
from infra.review import run
from infra.review.run import Reviewed
from infra.settings.secrets import SecretName
from tests.infra.mocks import SECRETS
from tests.live.provider.engine import Engine
from tests.review import previewing, stacks
from tests.review.stacks import STACK, Program

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ROTATED = {SecretName.REDIS_PASSWORD: "another-password-of-the-cache-0123456789ab"}


def reviewed(engine: Engine, program: Program, *acknowledged: str) -> Reviewed:
    """The review of a preview of the program."""
    return run.reviewed(previewing.planned(engine, program), STACK, acknowledged)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The whole program, up."""
    made = previewing.stack(tmp_path_factory.mktemp("review"))
    up = made.up(stacks.whole())
    assert up.ok, up.text
    return made


def test_a_stack_that_is_up_has_no_changes(engine: Engine) -> None:
    assert reviewed(engine, stacks.whole()).report.state.value == "unchanged"


def test_two_previews_of_one_program_have_one_digest_and_another_program_has_another(engine: Engine) -> None:
    image = stacks.whole(images={"service": "registry.example/team/service:1.5.0"})
    first, again = (reviewed(engine, image).digest for _ in range(2))
    assert first == again != ""
    newer = stacks.whole(images={"service": "registry.example/team/service:1.5.1"})
    assert reviewed(engine, newer).digest not in ("", first)


def test_no_secret_of_a_real_preview_is_in_its_review(engine: Engine) -> None:
    found = reviewed(engine, stacks.whole(ROTATED))
    assert found.report.changes
    told = repr(found)
    for value in (*SECRETS.values(), *ROTATED.values()):
        assert value not in told


class Holder(Component):
    """A component with one ConfigMap whose name in the cluster stays."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, Context(STACK, STACK), opts)
        metadata = {"name": "kept", "namespace": STACK}
        k8s.core.v1.ConfigMap(self.child("map"), metadata=metadata, data={"a": "1"}, opts=self.options())
        self.register_outputs({})


def held(component: str = "", plain: str = "", **options: Any) -> Program:
    """A ConfigMap inside of a component, or outside of one; ``options``: of the one that is named."""

    def program() -> None:
        provider = k8s.Provider("cluster", context="elsewhere")
        if component:
            Holder(component, pulumi.ResourceOptions(providers={"kubernetes": provider}, **options))
            return
        metadata = {"name": "kept", "namespace": STACK}
        opts = pulumi.ResourceOptions(provider=provider, **options)
        k8s.core.v1.ConfigMap(plain, metadata=metadata, data={"a": "1"}, opts=opts)

    return program


@pytest.mark.parametrize(
    ("before", "after"),
    [({"plain": "old"}, {"plain": "new"}), ({"component": "old"}, {"component": "new"})],
    ids=["resource", "component"],
)
def test_the_alias_that_a_review_asks_for_keeps_what_was_renamed(
    tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    engine = previewing.stack(tmp_path)
    assert engine.up(held(**before)).ok
    (rename,) = reviewed(engine, held(**after)).report.renames
    asked = rename.remedy.partition("aliases=['")[2].removesuffix("'])")
    assert reviewed(engine, held(**after, aliases=[asked])).report.changes == ()
