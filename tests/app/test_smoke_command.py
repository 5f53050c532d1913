"""The command line and the environment of ``python -m app.smoke``."""

from __future__ import annotations

import pytest

from app.smoke.__main__ import main

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ftp://service"], "is no address of the form http://host:port"),
        (["http://"], "is no address"),
        (["http://host:port"], "is no address"),
        (["http://user:secret@host"], "is no address"),
        (["http://host", "--seconds", "-1"], "'-1' is no number between 0 and 3600"),
        (["http://host", "--seconds", "nan"], "'nan' is no number"),
        (["http://host", "--checks-per-second", "0"], "is no number between 0.1 and 100"),
        (["http://host", "--max-error-percent", "many"], "'many' is no number between 0 and 100"),
        ([], "required: URL"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_wrong_environment_ends_with_2_and_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err
    assert all(f"{name}: is not set\n  → " in said for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"))
