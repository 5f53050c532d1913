"""Where a stack may go with our plugin: to a server of this machine that answers, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pytest

from infra.components.aws.account import provider
from infra.components.aws.arguments import Account, BucketArguments
from infra.components.aws.bucket import BackupBucket
from infra.components.base import Context
from infra.render.backup_keys import User
from tests.aws.conftest import EVERYBODY, REGION, STACK, World
from tests.live.provider.engine import Engine

pytestmark = [pytest.mark.integration, pytest.mark.slow]
CLOSED = "http://127.0.0.1:1"  # nothing listens on port 1


def program(endpoint: str | None) -> Callable[[], None]:
    def run() -> None:
        opts = pulumi.ResourceOptions(providers={"aws": provider(Account(REGION, endpoint))})
        BackupBucket("backups", Context(STACK, "unused"), BucketArguments("nowhere"), opts)

    return run


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_a_stack_on_aws_itself_is_refused_with_the_way_to_the_official_plugin(
    stack: Callable[[], Engine], verb: str
) -> None:
    engine = stack()
    refused = (engine.preview if verb == "preview" else engine.up)(program(None))
    assert not refused.ok
    assert "without an endpoint for s3 it would ask AWS itself" in refused.text
    assert "pulumi plugin install resource aws 7.51.1" in refused.text


def test_a_server_that_does_not_answer_is_named_with_the_remedy(stack: Callable[[], Engine]) -> None:
    refused = stack().up(program(CLOSED))
    assert not refused.ok
    assert f'no server answers: Could not connect to the endpoint URL: "{CLOSED}/nowhere"' in refused.text
    assert "start the moto server that the provider's endpoints name" in refused.text


def test_a_role_gets_the_policy_and_no_user_is_made_for_it(world: World) -> None:
    iam = world.moto.client("iam")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    arn = iam.create_role(RoleName="backup-writer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    changed = world.up(roles={User.WRITER: arn})
    assert changed.ok, changed.text
    (attached,) = iam.list_attached_role_policies(RoleName="backup-writer")["AttachedPolicies"]
    assert attached["PolicyName"] == f"{STACK}-backup-writer"
    names = [user["UserName"] for user in iam.list_users()["Users"]]
    assert sorted(names) == sorted(f"{STACK}-backup-{user}" for user in EVERYBODY if user is not User.WRITER)
