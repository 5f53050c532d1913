"""Where the aws plugin works: on servers of this machine, whatever the engine asks first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as messages

from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.servicer import Servicer
from infra.sandbox.providers.aws.serving import Settings, settings_of
from infra.sandbox.providers.shared.face import Face
from infra.sandbox.providers.shared.values import UNKNOWN, encode

pytestmark = pytest.mark.unit
URN = "urn:pulumi:ledger-prod::slipway::{token}::x"
PROVIDER, BUCKET = "pulumi:providers:aws", "aws:s3/bucket:Bucket"
CONFIGURING = ("CheckConfig", "DiffConfig", "Configure")
ACTING = ("Check", "Diff", "Create", "Read", "Update", "Delete")
UNANSWERED = {"Handshake", "GetPluginInfo", "GetSchema", "Invoke", "Cancel"}
HERE = "http://127.0.0.1:5000"


class RefusedError(Exception):
    """What a call was aborted with."""


class Context:
    """A gRPC call as the servicer sees it."""

    def abort(self, _code: Any, message: str) -> None:
        raise RefusedError(message)


def endpoints(**urls: str) -> dict[str, Any]:
    return {"endpoints": json.dumps([urls])}


def configuring(method: str, inputs: dict[str, Any]) -> Any:
    urn, data = URN.format(token=PROVIDER), encode(inputs)
    requests: dict[str, Any] = {
        "CheckConfig": messages.CheckRequest(urn=urn, news=data),
        "DiffConfig": messages.DiffRequest(urn=urn, news=data, old_inputs=data),
        "Configure": messages.ConfigureRequest(urn=urn, args=data),
    }
    return getattr(Servicer(), method)(requests[method], Context())


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("method", CONFIGURING)
@pytest.mark.parametrize("url", [HERE, "http://localhost:5000/", "https://127.8.8.8:1", "http://[::1]:5000"])
def test_a_server_of_this_machine_is_served(method: str, url: str) -> None:
    assert configuring(method, endpoints(s3=url, iam=url)) is not None


@pytest.mark.parametrize("method", CONFIGURING)
@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"region": "eu-central-1"}, "without an endpoint for s3 it would ask AWS itself"),
        (endpoints(s3=HERE), "without an endpoint for iam it would ask AWS itself"),
        (endpoints(s3="https://s3.amazonaws.com", iam=HERE), "leads to https://s3.amazonaws.com"),
        (endpoints(s3=HERE, iam=HERE, kms="https://kms.example"), "for kms leads to https://kms.example"),
        (endpoints(s3="http://127.0.0.1:80@evil.example", iam=HERE), "leads to http://127.0.0.1:80@evil"),
        (endpoints(s3="http://127.0.0.1.example:80", iam=HERE), "leads to http://127.0.0.1.example"),
        (endpoints(s3="http://10.0.0.1:5000", iam=HERE), "leads to http://10.0.0.1:5000"),
        (endpoints(s3=HERE, iam="http://2130706433:5000"), "leads to http://2130706433"),
        ({"endpoints": "no JSON"}, "without an endpoint for s3"),
        ({"endpoints": UNKNOWN}, "its endpoints are not known yet"),
    ],
)
def test_any_other_place_is_refused_with_the_way_to_the_official_plugin(
    method: str, inputs: dict[str, Any], why: str
) -> None:
    text = refusal(configuring, method, inputs)
    assert text.startswith("stack ledger-prod: pulumi-resource-aws on PATH is the sandbox's plugin")
    assert "a moto server on this machine only" in text
    assert "pulumi plugin install resource aws 7.51.1" in text
    assert why in text


@pytest.mark.parametrize("method", ACTING)
def test_a_plugin_that_was_not_configured_serves_no_resource(method: str) -> None:
    names = {"Check": "CheckRequest", "Diff": "DiffRequest", "Create": "CreateRequest", "Read": "ReadRequest",
             "Update": "UpdateRequest", "Delete": "DeleteRequest"}  # fmt: skip
    request = getattr(messages, names[method])(urn=URN.format(token=BUCKET))
    assert "the provider is not configured" in refusal(getattr(Servicer(), method), request, Context())


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_no_environment_variable_leads_elsewhere(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "https://s3.example")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-users-own")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    client = Clients(settings_of(endpoints(s3=HERE, iam=HERE))).s3
    assert client.meta.endpoint_url == HERE
    assert client._request_signer._credentials.access_key == Settings.access_key
    assert client._endpoint.http_session._proxy_config._proxies == {}


def test_inputs_that_would_have_no_effect_are_named() -> None:
    inputs = {**endpoints(s3=HERE, iam=HERE), "profile": "work", "s3UsePathStyle": "true"}
    assert [failure.property for failure in configuring("CheckConfig", inputs).failures] == ["profile"]


def test_another_region_means_other_resources_and_another_port_does_not() -> None:
    def difference(**new: Any) -> Any:
        old = {**endpoints(s3=HERE, iam=HERE), "region": "eu-central-1"}
        request = messages.DiffRequest(
            urn=URN.format(token=PROVIDER), old_inputs=encode(old), news=encode({**old, **new})
        )
        return Servicer().DiffConfig(request, Context())

    assert list(difference(region="eu-west-1").replaces) == ["region"]
    moved = difference(**endpoints(s3="http://127.0.0.1:6000", iam=HERE))
    assert (list(moved.diffs), list(moved.replaces)) == (["endpoints"], [])


def test_every_request_that_is_answered_stands_in_this_file() -> None:
    defined = {name for part in (Servicer, Face) for name in vars(part) if name[0].isupper()}
    assert defined == {*CONFIGURING, *ACTING, *UNANSWERED}
