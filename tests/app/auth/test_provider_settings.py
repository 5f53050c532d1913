"""The settings of the identity provider and its webhook: whole, safe, and told in the house's words."""

from __future__ import annotations

import pytest

from app import contract
from app.core.problems import MisconfiguredError
from app.settings import load
from tests.app.auth.events import WEBHOOK_SECRET

pytestmark = pytest.mark.unit
NEEDED = {
    "SECRET_KEY": "9f1c5b7e3a2d4f60-9f1c5b7e3a2d4f60",
    "DATABASE_URL": "postgresql://ledger_service:hunter22hunter22@db:5432/ledger",
    "REDIS_URL": "redis://:hunter33hunter33@cache:6379/0",
}
TRIO = {
    "JWT_ISSUER": "https://clerk.example.org",
    "JWT_AUDIENCE": "household",
    "JWT_JWKS_URL": "https://clerk.example.org/.well-known/jwks.json",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problem(environment: pytest.MonkeyPatch, values: dict[str, str]) -> str:
    for name, value in values.items():
        environment.setenv(name, value)
    with pytest.raises(MisconfiguredError) as caught:
        load()
    return str(caught.value)


def test_all_three_make_a_provider(environment: pytest.MonkeyPatch) -> None:
    for name, value in TRIO.items():
        environment.setenv(name, value)
    assert (load().jwt_issuer, load().jwt_audience, load().jwt_jwks_url) == tuple(TRIO.values())


@pytest.mark.parametrize("names", [[one] for one in TRIO] + [[a, b] for a in TRIO for b in TRIO if a < b])
def test_one_or_two_of_them_make_none(environment: pytest.MonkeyPatch, names: list[str]) -> None:
    missing = ", ".join(name for name in TRIO if name not in names)
    assert problem(environment, {name: TRIO[name] for name in names}) == (
        f"JWT_JWKS_URL: makes an identity provider only together; not set: {missing}\n"
        "  → set JWT_ISSUER, JWT_AUDIENCE and an https JWT_JWKS_URL, or none of the three"
    )


FORM = "is no address of the form https://host/path"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (
            "http://clerk.example.org/jwks",
            "is not https: whoever is on the way could put in keys of their own",
        ),
        ("clerk.example.org/jwks", FORM),
        ("https://", FORM),
        ("file:///etc/passwd", FORM),
        ("https://user:hunter22@clerk.example.org/jwks", FORM),
        ("https://clerk.example.org:0/jwks", FORM),
        ("https://clerk.example.org:x/jwks", "is no address"),
        ("https://[::1/jwks", "is no address"),
    ],
)
def test_keys_come_from_a_safe_place(environment: pytest.MonkeyPatch, url: str, complaint: str) -> None:
    text = problem(environment, TRIO | {"JWT_JWKS_URL": url})
    assert text.startswith(f"JWT_JWKS_URL: {complaint}\n")
    assert "hunter" not in text


def test_development_may_fetch_them_without_encryption(environment: pytest.MonkeyPatch) -> None:
    for name, value in (
        TRIO | {"JWT_JWKS_URL": "http://127.0.0.1/jwks", "ENVIRONMENT": "development"}
    ).items():
        environment.setenv(name, value)
    assert load().jwt_jwks_url == "http://127.0.0.1/jwks"


def test_nobody_else_issues_our_own_tokens(environment: pytest.MonkeyPatch) -> None:
    text = problem(environment, TRIO | {"JWT_ISSUER": contract.SERVICE})
    assert text == (
        "JWT_ISSUER: is the issuer of the service's own tokens\n"
        "  → set the iss claim of the identity provider's tokens"
    )


@pytest.mark.parametrize(
    "secret",
    ["hunter22hunter22", "whsec_", "whsec_short", "whsec_!!!!", WEBHOOK_SECRET.removeprefix("whsec_")],
)
def test_a_webhook_secret_has_its_form(environment: pytest.MonkeyPatch, secret: str) -> None:
    assert problem(environment, {"CLERK_WEBHOOK_SECRET": secret}) == (
        "CLERK_WEBHOOK_SECRET: is not whsec_ and base64 of at least 24 bytes\n"
        "  → copy the endpoint's signing secret whsec_… from the provider"
    )


def test_a_good_webhook_secret_is_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLERK_WEBHOOK_SECRET", WEBHOOK_SECRET)
    assert WEBHOOK_SECRET in load().secrets()
    assert WEBHOOK_SECRET not in repr(load())
