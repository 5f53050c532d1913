"""Which bearer tokens count: key and algorithm by issuer, times with leeway, roles, and nothing else."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as searching
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from app.core.auth.tokens import DEVELOPER, LOGIN_ISSUER, MAX_TOKEN, TokenVerifier, login_token
from app.core.auth.users import Identity, Role, email_of
from app.settings import Settings
from tests.app.auth.conftest import Ask, Listen
from tests.app.auth.provider import AUDIENCE, ISSUER, Provider, claims, private_key, token
from tests.app.conftest import DEV_TOKEN, SECRET_KEY

pytestmark = pytest.mark.integration
LOCAL = Identity("local:0123", "", Role.USER)


def own(**changed: Any) -> str:
    """A token of our own login."""
    usual = {"iss": LOGIN_ISSUER, "aud": LOGIN_ISSUER, "sub": LOCAL.clerk_user_id, "nbf": None}
    return jwt.encode(claims(**(usual | changed)), SECRET_KEY, "HS256")


def unsigned(**changed: Any) -> str:
    return jwt.encode(claims(**changed), "", "none", headers={"kid": "first"})


def signed_with_the_public_key(**changed: Any) -> str:
    """The old confusion: HMAC with what everybody may know. Made by hand, since the library refuses to."""
    public = private_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "first"}).encode())
    signing_input = head + b"." + base64url_encode(json.dumps(claims(**changed)).encode())
    signature = jwt.get_algorithm_by_name("HS256").sign(signing_input, public)
    return (signing_input + b"." + base64url_encode(signature)).decode()


def tampered() -> str:
    head, _, signature = token().split(".")
    return ".".join([head, base64url_encode(json.dumps(claims(sub="user_bob")).encode()).decode(), signature])


def without_kid() -> str:
    return jwt.encode(claims(), private_key("first"), "RS256")


NOW = time.time
REFUSED: dict[str, Callable[[], str]] = {
    "alg none": unsigned,
    "alg none with our issuer": lambda: unsigned(iss=LOGIN_ISSUER, aud=LOGIN_ISSUER, sub="local:0123"),
    "HS256 with the RSA public key": signed_with_the_public_key,
    "HS256 with SECRET_KEY for the provider's issuer": lambda: jwt.encode(
        claims(), SECRET_KEY, "HS256", headers={"kid": "first"}
    ),
    "RS256 with our issuer": lambda: token(iss=LOGIN_ISSUER, aud=LOGIN_ISSUER, sub="local:0123"),
    "RS384": lambda: jwt.encode(claims(), private_key("first"), "RS384", headers={"kid": "first"}),
    "HS512 with our issuer": lambda: jwt.encode(
        claims(iss=LOGIN_ISSUER, aud=LOGIN_ISSUER, sub="local:0123"), SECRET_KEY * 2, "HS512"
    ),
    "no kid": without_kid,
    "unknown kid": lambda: token("second"),
    "another key under a known kid": lambda: token("second", headers={"kid": "first"}),
    "wrong audience": lambda: token(aud="somebody else"),
    "no audience": lambda: token(aud=None),
    "wrong issuer": lambda: token(iss="https://evil.example.org"),
    "no issuer": lambda: token(iss=None),
    "a list of issuers": lambda: token(iss=[ISSUER]),
    "expired": lambda: token(exp=int(NOW()) - 31),
    "no expiry": lambda: token(exp=None),
    "an expiry that is no number": lambda: token(exp="soon"),
    "not yet valid": lambda: token(nbf=int(NOW()) + 60),
    "issued in the future": lambda: token(iat=int(NOW()) + 60),
    "never issued": lambda: token(iat=None),
    "no subject": lambda: token(sub=None),
    "an empty subject": lambda: token(sub=""),
    "a subject of 256 characters": lambda: token(sub="u" * 256),
    "a subject with a NUL": lambda: token(sub="user\0alice"),
    "a subject with a line break": lambda: token(sub="user\nalice"),
    "the subject of a local account": lambda: token(sub="local:0123"),
    "the developer's subject": lambda: token(sub="dev"),
    "tampered": tampered,
    "own, expired": lambda: own(exp=int(NOW()) - 31),
    "own, wrong audience": lambda: own(aud=AUDIENCE),
    "own, for a person of the provider": lambda: own(sub="user_alice"),
    "own, another secret": lambda: jwt.encode(
        claims(iss=LOGIN_ISSUER, aud=LOGIN_ISSUER, sub="local:0123"), "x" * 40, "HS256"
    ),
    "oversize": lambda: token(pad="x" * MAX_TOKEN),
    "garbage": lambda: "garbage",
    "three empty parts": lambda: "..",
    "no JSON": lambda: "e30.e30.e30",
    "five parts": lambda: "a.b.c.d.e",
    "deep JSON": lambda: ".".join([base64.urlsafe_b64encode(b"[" * 3000).decode()] * 2 + ["x"]),
    "a critical extension": lambda: token(headers={"crit": ["exp"]}),
    "nothing": lambda: "",
    "almost DEV_TOKEN": lambda: DEV_TOKEN + "x",
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_that_is_not_right_is_refused_without_a_reason(
    ask: Ask, case: str, listen: Listen
) -> None:
    said = listen()
    sent = REFUSED[case]()
    client = ask("")
    answer = await client.get("/auth/me", headers={"Authorization": f"Bearer {sent}"})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1101"), case
    assert answer.json()["message"] == "The bearer token is not valid"
    assert answer.json()["details"] == {}
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    logged = said()
    assert "bearer value refused" in logged
    assert len(sent) < 8 or sent not in logged
    assert "alice@" not in logged


async def test_the_reason_is_logged_in_a_word(verifier: TokenVerifier, listen: Listen) -> None:
    said = listen()
    assert await verifier.identify(token(exp=int(NOW()) - 60)) is None
    assert '"reason": "ExpiredSignatureError"' in said()


@pytest.mark.parametrize("header", [[], ["Basic dXNlcjpwYXNz"], ["Bearer"], ["Token {}"], ["Bearer {}"] * 2])
async def test_one_bearer_header_is_needed(ask: Ask, header: list[str]) -> None:
    sent = [(b"Authorization", part.format(token()).encode()) for part in header]
    answer = await ask("").get("/auth/me", headers=sent)
    assert answer.json()["error_code"] == ("ERR_1101" if sent else "ERR_1100")


async def test_the_scheme_may_be_written_small(ask: Ask) -> None:
    answer = await ask("").get("/auth/me", headers={"Authorization": f"bearer {token(sub=fresh())}"})
    assert answer.status_code == 200


def fresh() -> str:
    return f"user_{uuid.uuid4().hex}"


async def test_a_provider_token_is_its_person(verifier: TokenVerifier) -> None:
    assert await verifier.identify(token()) == Identity("user_alice", "alice@example.org", Role.USER)


async def test_an_own_token_is_its_account(verifier: TokenVerifier, settings: Settings) -> None:
    assert await verifier.identify(login_token(settings, LOCAL)) == LOCAL


async def test_an_own_token_ends_after_the_time_of_the_settings(settings: Settings) -> None:
    made = jwt.decode(login_token(settings, LOCAL), options={"verify_signature": False})
    assert made["exp"] - made["iat"] == settings.login_token_seconds
    assert "email" not in made


@pytest.mark.parametrize(
    ("claim", "seconds"),
    [("exp", -25), ("nbf", 25), ("iat", 25)],
    ids=["just ended", "almost valid", "ahead"],
)
async def test_clocks_may_differ_by_the_leeway(verifier: TokenVerifier, claim: str, seconds: int) -> None:
    assert await verifier.identify(token("first", None, **{claim: int(NOW()) + seconds})) is not None


async def test_without_leeway_they_may_not(settings: Settings) -> None:
    strict = TokenVerifier(settings.model_copy(update={"jwt_leeway_seconds": 0}))
    assert await strict.identify(token(nbf=int(NOW()) + 5)) is None
    assert await strict.identify(token(exp=int(NOW()) - 1)) is None
    assert await strict.identify(token()) is not None


async def test_one_of_several_audiences_is_enough(verifier: TokenVerifier) -> None:
    assert await verifier.identify(token(aud=["other", AUDIENCE])) is not None


@pytest.mark.parametrize(
    ("path", "changed", "role"),
    [
        ("role", {"role": "admin"}, Role.ADMIN),
        ("role", {"role": "user"}, Role.USER),
        ("role", {}, Role.USER),
        ("role", {"role": "Admin"}, Role.USER),
        ("role", {"role": "root"}, Role.USER),
        ("role", {"role": ["admin"]}, Role.USER),
        ("role", {"role": {"admin": True}}, Role.USER),
        ("role", {"role": True}, Role.USER),
        ("metadata.role", {"metadata": {"role": "admin"}}, Role.ADMIN),
        ("metadata.role", {"metadata": "admin"}, Role.USER),
        ("metadata.role", {"role": "admin"}, Role.USER),
        ("https://example.org/role", {"https://example.org/role": "admin"}, Role.ADMIN),
    ],
)
async def test_the_role_comes_from_the_claim_of_the_settings(
    settings: Settings, path: str, changed: dict[str, Any], role: Role
) -> None:
    verifier = TokenVerifier(settings.model_copy(update={"jwt_role_claim": path}))
    identity = await verifier.identify(token(**changed))
    assert identity is not None
    assert identity.role is role


@pytest.mark.unit
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("김철수@example.org", "김철수@example.org"),
        (None, ""),
        (7, ""),
        ("nobody", ""),
        ("a@b\n@c", ""),
        ("a b@c", ""),
        ("a@b\0", ""),
        ("a" * 250 + "@b.org", ""),
    ],
)
def test_an_address_that_is_none_is_kept_as_empty(told: Any, kept: str) -> None:
    assert email_of(told) == kept


async def test_the_development_token_is_the_developer_who_is_an_admin(ask: Ask) -> None:
    answer = await ask(DEV_TOKEN).get("/auth/me")
    assert (answer.json()["clerk_user_id"], answer.json()["role"]) == ("dev", "admin")


@pytest.mark.parametrize("sent", ["", "anything", DEV_TOKEN])
async def test_without_a_development_token_none_counts(settings: Settings, sent: str) -> None:
    verifier = TokenVerifier(settings.model_copy(update={"dev_token": type(settings.dev_token)("")}))
    assert await verifier.identify(sent) is None


async def test_without_a_provider_its_tokens_do_not_count_and_own_ones_do(
    settings: Settings, provider: Provider
) -> None:
    none = {"jwt_issuer": "", "jwt_audience": "", "jwt_jwks_url": ""}
    verifier = TokenVerifier(settings.model_copy(update=none))
    assert await verifier.identify(token()) is None
    assert await verifier.identify(token(iss="")) is None
    assert await verifier.identify(login_token(settings, LOCAL)) == LOCAL
    assert provider.requests == 0


@searching(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_change_of_a_token_counts_and_none_breaks_the_check(
    verifier: TokenVerifier, data: st.DataObject
) -> None:
    good = token()
    place = data.draw(st.integers(0, len(good) - 2))
    mark = data.draw(st.sampled_from("AZaz09-_.=+/ \0é"))
    changed = good[:place] + mark + good[place + 1 :]
    identity = await verifier.identify(changed)
    assert identity is None or changed == good
    assert await verifier.identify(data.draw(st.text(max_size=200))) in {None, DEVELOPER} - {DEVELOPER}
