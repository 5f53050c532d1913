"""Secrets encrypted with a key of AWS KMS (moto's server stands in for it), by the real Pulumi CLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from infra.settings import check
from tests.infra.onboarding.conftest import Machine

PROVIDER = "awskms://alias/slipway-test?region=us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
STACKS = ("lighthouse-dev", "lighthouse-staging", "lighthouse-prod")


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a KMS on loopback that has the key ``alias/slipway-test``."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    client = boto3.client(
        "kms",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    key = client.create_key()["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName="alias/slipway-test", TargetKeyId=key)
    yield address
    server.stop()


@pytest.fixture
def machine(tmp_path: Path, service: str) -> Machine:
    return Machine(tmp_path / "machine", {**KEYS, "AWS_ENDPOINT_URL_KMS": service})


def test_a_key_service_encrypts_and_decrypts_and_no_passphrase_is_made(machine: Machine) -> None:
    answer = machine.init("--secrets-provider", PROVIDER)
    assert answer.returncode == 0, answer.stderr
    assert f"encrypted with {PROVIDER}\n" in answer.stdout
    for stack in STACKS:
        assert check.examine(stack, machine.stacks).errors == ()
        own = yaml.safe_load(machine.file(stack).read_text())
        assert own["secretsprovider"] == PROVIDER
        assert own["encryptedkey"]
        assert "encryptionsalt" not in own
        assert len(machine.secrets(stack, PROVIDER)["secretKey"]) == 43
    assert not (machine.root / "state").exists()


def test_a_rotation_keeps_the_key_and_changes_the_value(machine: Machine) -> None:
    machine.init("--secrets-provider", PROVIDER)
    before, values = yaml.safe_load(machine.file(STACKS[0]).read_text()), machine.secrets(STACKS[0], PROVIDER)
    assert machine.slipway("secrets", "rotate", "redisPassword", STACKS[0]).returncode == 0
    after, changed = yaml.safe_load(machine.file(STACKS[0]).read_text()), machine.secrets(STACKS[0], PROVIDER)
    assert after["encryptedkey"] == before["encryptedkey"]
    assert [name for name in values if values[name] != changed[name]] == ["redisPassword"]
    assert PROVIDER in machine.slipway("secrets", "list", STACKS[0]).stdout


def test_a_key_that_does_not_exist_is_told_and_nothing_is_written(machine: Machine) -> None:
    provider = "awskms://alias/none?region=us-east-1"
    answer = machine.init("--secrets-provider", provider)
    assert answer.returncode == 1
    assert f"secrets provider {provider}: " in answer.stderr
    assert (
        "NotFoundException: Alias arn:aws:kms:us-east-1:123456789012:alias/none is not found."
        in answer.stderr
    )
    assert (
        "→ check the key's name, and that your credentials may encrypt and decrypt with it" in answer.stderr
    )
    assert machine.names() == []


def test_a_provider_that_is_none_is_told_at_its_flag(machine: Machine) -> None:
    answer = machine.init("--secrets-provider", "awskm://alias/x")
    assert answer.returncode == 2
    assert answer.stderr.startswith("--secrets-provider: awskm://alias/x is ")
    assert answer.stderr.count("did you mean awskms://?") == 1
    assert machine.names() == []
