"""The AWS provider under mocks: whose keys it takes, by the server that it leads to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.components.aws.account import NOBODY, provider
from infra.components.aws.arguments import Account
from tests.infra.mocks import Recorder, running

pytestmark = pytest.mark.unit
REGION = "ap-northeast-2"


def inputs(endpoint: str | None) -> dict[str, Any]:
    recorder = Recorder()

    async def program() -> None:
        provider(Account(REGION, endpoint))

    running(program, recorder)
    (made,) = recorder.resources
    return dict(made.inputs)


def test_aws_itself_is_asked_with_the_keys_of_the_surroundings() -> None:
    found = inputs(None)
    assert found["region"] == REGION
    assert not {"accessKey", "secretKey", "endpoints"} & set(found)
    assert found["skipCredentialsValidation"] == "false"


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "http://localhost:5000/", "https://localhost"])
def test_a_server_of_this_machine_sees_none_of_the_users_keys(url: str) -> None:
    found = inputs(url)
    assert (found["accessKey"]["value"], found["secretKey"]["value"]) == (NOBODY, NOBODY)  # marked secret
    assert json.loads(found["endpoints"]) == [{"s3": url, "iam": url}]


@pytest.mark.parametrize(
    "url",
    [
        "https://aws.example.com",
        "http://127.0.0.1.example.com:5000",
        "http://localhost:5000@aws.example.com",
        "http://[::1",
    ],
)
def test_any_other_server_is_asked_with_the_keys_of_the_surroundings(url: str) -> None:
    found = inputs(url)
    assert not {"accessKey", "secretKey"} & set(found)
    assert found["skipCredentialsValidation"] == "false"
    assert json.loads(found["endpoints"]) == [{"s3": url, "iam": url}]
