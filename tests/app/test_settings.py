"""Settings from the environment: defaults, every problem at once with its exact text, no secret's value."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app import contract
from app.core.problems import MisconfiguredError
from app.main import configure, main
from app.settings import Settings, load, read

pytestmark = pytest.mark.unit
GOOD = {
    "SECRET_KEY": "9f1c5b7e3a2d4f60-9f1c5b7e3a2d4f60",
    "DATABASE_URL": "postgresql://ledger_service:hunter22hunter22@db:5432/ledger",
    "REDIS_URL": "redis://:hunter33hunter33@cache:6379/0",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The least that production needs."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problem_text(environment: pytest.MonkeyPatch, **changed: str) -> str:
    for name, value in changed.items():
        environment.setenv(name, value)
    with pytest.raises(MisconfiguredError) as caught:
        configure()
    return str(caught.value)


def test_the_defaults_are_those_of_the_contract(environment: pytest.MonkeyPatch) -> None:
    settings = load()
    assert settings.environment == "production"
    assert (settings.database_pool_size, settings.database_max_overflow) == (20, 40)
    assert (settings.database_pool_timeout, settings.database_pool_recycle) == (30, 3600)
    assert (settings.port, settings.modules, settings.allowed_origins) == (8000, ("ledger",), ())


def test_an_empty_environment_gives_every_problem_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 2
    assert capsys.readouterr().err == (
        "SECRET_KEY: is not set\n"
        "  → make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'\n"
        "DATABASE_URL: is not set\n"
        "  → set postgresql://user:password@host:5432/name, with percent-encoded special characters\n"
        "REDIS_URL: is not set\n"
        "  → set redis://:password@host:6379/0, with percent-encoded special characters\n"
    )


def test_every_kind_of_problem_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    text = problem_text(
        environment,
        PORT="99999",
        LOG_LEVEL="loud",
        MODULES="ledger,dispach",
        ENABLE_METRICS="perhaps",
        ALLOWED_ORIGINS="https://a.example,*",
        DATABASE_POOL_SIZE="0",
        DATABASE_URL="mysql://u:p@h/d",
        LEDGER_SUMMARY_TTL_SECONDS="0",
    )
    assert text == (
        "PORT: input should be less than or equal to 65535\n"
        "  → unset it for the default 8000\n"
        "LOG_LEVEL: input should be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'\n"
        "  → set one of: DEBUG, INFO, WARNING, ERROR, CRITICAL\n"
        "MODULES: 'dispach' is no module; known: ledger, dispatch\n"
        "  → list some of: ledger, dispatch; separated by commas\n"
        "ALLOWED_ORIGINS: '*' is no origin\n"
        "  → list origins like https://app.example.com separated by commas; * is refused\n"
        "ENABLE_METRICS: input should be a valid boolean, unable to interpret input\n"
        "  → unset it for the default true\n"
        "DATABASE_URL: is no address of the form postgresql://user:password@host:port/name\n"
        "  → set postgresql://user:password@host:5432/name, with percent-encoded special characters\n"
        "DATABASE_POOL_SIZE: input should be greater than or equal to 1\n"
        "  → unset it for the default 20\n"
        "LEDGER_SUMMARY_TTL_SECONDS: input should be greater than or equal to 1\n"
        "  → unset it for the default 60"
    )


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("short", "has 5 characters; at least 32 are needed"),
        ("changeme-changeme-changeme-changeme", "is a placeholder, not a secret"),
        ("your-secret-key-here-your-secret-key", "is a placeholder, not a secret"),
        ("this-is-an-Example-key-of-32-characters", "is a placeholder, not a secret"),
        ("ababababababababababababababababab", "has fewer than 8 different characters"),
    ],
)
@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_weak_key_is_refused_outside_development(
    environment: pytest.MonkeyPatch, secret: str, complaint: str, name: str
) -> None:
    text = problem_text(environment, SECRET_KEY=secret, ENVIRONMENT=name)
    assert text.startswith(f"SECRET_KEY: {complaint}\n")
    assert secret not in text


def test_development_takes_any_key(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ENVIRONMENT", "development")
    environment.setenv("SECRET_KEY", "changeme")
    assert load().secret_key.get_secret_value() == "changeme"


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_placeholder_in_an_address_is_refused_outside_development(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    address = f"{GOOD[name].split(':')[0]}://user:change%6De@host:1/0"
    assert problem_text(environment, **{name: address}).startswith(
        f"{name}: holds a placeholder for a password\n"
    )


@pytest.mark.parametrize(
    "address", ["", "redis://", "redis://h:99999/0", "redis://h:x/0", "http://h", "redis://[::1/0", "h:6379"]
)
def test_an_address_that_is_none_is_refused_without_showing_it(
    environment: pytest.MonkeyPatch, address: str
) -> None:
    text = problem_text(environment, REDIS_URL=address)
    assert text.startswith("REDIS_URL: is no")
    assert not address or address not in text.replace("redis://:password@host:6379/0", "").replace(
        "redis://user", ""
    )


@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_development_token_is_refused_elsewhere(environment: pytest.MonkeyPatch, name: str) -> None:
    text = problem_text(environment, ENVIRONMENT=name, DEV_TOKEN="d" * 40)
    assert text == (
        "DEV_TOKEN: is set, but ENVIRONMENT is not development\n"
        "  → unset it, or set ENVIRONMENT=development and a token of at least 32 characters"
    )


def test_a_short_development_token_is_refused(environment: pytest.MonkeyPatch) -> None:
    text = problem_text(environment, ENVIRONMENT="development", DEV_TOKEN="d" * 31)
    assert text.startswith("DEV_TOKEN: has 31 characters; at least 32 are needed\n")


def test_an_unknown_environment_is_told_once(environment: pytest.MonkeyPatch) -> None:
    text = problem_text(environment, ENVIRONMENT="dev", DEV_TOKEN="d" * 40, SECRET_KEY="changeme")
    assert text == (
        "ENVIRONMENT: input should be 'development', 'staging' or 'production'\n"
        "  → set one of: development, staging, production"
    )


def test_lists_are_split_at_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALLOWED_ORIGINS", " https://a.example , http://localhost:5173,")
    environment.setenv("MODULES", "ledger, ledger")
    settings = load()
    assert settings.allowed_origins == ("https://a.example", "http://localhost:5173")
    assert settings.modules == ("ledger",)


def test_the_level_may_be_written_small(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "debug")
    assert load().log_level == "DEBUG"


def test_no_secret_is_shown_by_the_settings(environment: pytest.MonkeyPatch) -> None:
    settings = load()
    assert not any(secret in repr(settings) or secret in str(settings) for secret in settings.secrets())
    assert {"hunter22hunter22", "hunter33hunter33", GOOD["SECRET_KEY"]} <= set(settings.secrets())


def test_load_raises_what_read_returns() -> None:
    settings, problems = read(Settings)
    assert settings is None
    with pytest.raises(MisconfiguredError) as caught:
        load()
    assert list(caught.value.problems) == problems


def test_the_process_ends_with_2_and_no_stack_trace() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.main"], env={"PORT": "x"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("PORT: ")
    assert "Traceback" not in done.stderr
    assert contract.COMMAND[1:] == ("-m", "app.main")
