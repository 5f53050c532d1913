"""What slipway makes of the engine's words, and of values that can be no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engine import sealing
from infra.engine.sealing import Bench

pytestmark = pytest.mark.unit


def bench(provider: str) -> Bench:
    return Bench(Path("/nowhere"), "x-dev", provider, {})


def test_only_the_error_is_told_and_without_what_changes_with_every_call() -> None:
    said = (
        "SDK 2026/11/21 12:00:55 WARN something\nerror: could not create secrets manager: operation error "
        "KMS: Encrypt, StatusCode: 400, RequestID: hL7xNKGm, NotFoundException\n"
    )
    assert str(bench("awskms://alias/x")._in_words(said)) == (
        "secrets provider awskms://alias/x: could not create secrets manager: operation error KMS: Encrypt, "
        "StatusCode: 400, NotFoundException\n"
        "  → check the key's name, and that your credentials may encrypt and decrypt with it"
    )


def test_a_password_in_the_providers_address_is_not_told() -> None:
    provider = "hashivault://me:hunter2@x/y z"
    said = f'error: parse "{provider}": invalid character; dial hashivault://me:hunter2@x'
    text = str(bench(provider)._in_words(said))
    assert "hunter2" not in text
    assert text.startswith("secrets provider (hidden): parse ")


def test_another_passphrase_is_told_in_our_words() -> None:
    said = str(bench("passphrase")._in_words("error: incorrect passphrase"))
    assert "is encrypted with another passphrase than the one at hand" in said


def test_a_made_value_has_256_bits_and_is_never_weak(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["example" * 8, "a" * 43, "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEF"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda count: next(drawn) if count == 32 else "")
    assert sealing.new_value() == "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEF"


def test_what_leads_pulumi_elsewhere_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_STACK", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("AWS_PROFILE", "theirs")
    mine = Bench(
        Path("/nowhere"), "x-dev", "passphrase", {"PULUMI_CONFIG_PASSPHRASE_FILE": "/p"}
    )._environment()
    theirs = sorted(name for name, value in mine.items() if value == "theirs")
    assert theirs == ["AWS_PROFILE"]
    assert mine["PULUMI_BACKEND_URL"] == "file:///nowhere/backend"
