"""docs/service.md names commands that there are, with options that they have."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

from app.smoke.runs import Tally

pytestmark = pytest.mark.unit
PAGE = (Path(__file__).resolve().parents[2] / "docs/service.md").read_text(encoding="utf-8")
COMMANDS = [found.strip() for found in re.findall(r"^    python -m (app\.[^#<\n]+)", PAGE, re.MULTILINE)]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_can_be_given(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *arguments = shlex.split(line)
    module = importlib.import_module(f"{name}.__main__" if name == "app.smoke" else name)
    with pytest.raises(SystemExit) as caught:
        module.main([*arguments, "--help"])  # what stands before --help is judged first
    assert caught.value.code == 0, capsys.readouterr().err
    options = {part for part in arguments if part.startswith("--")}
    assert options <= set(re.findall(r"--[\w-]+", capsys.readouterr().out))


def test_the_page_shows_the_commands_and_the_summary_that_there_are() -> None:
    assert {line.split()[0] for line in COMMANDS} == {"app.migrate", "app.smoke", "app.accounts"}
    summary = json.loads(re.search(r'^    (\{"event": "checks passed".*\})$', PAGE, re.MULTILINE)[1])  # type: ignore[index]
    assert list(summary) == ["event", "checks", *Tally().summary()]


@pytest.mark.parametrize("option", ["--within", "--seconds", "--checks-per-second", "--max-error-percent"])
def test_the_defaults_of_the_page_are_those_of_the_command(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module("app.smoke.__main__").main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    default = re.search(rf"^\| `{option}` \| (\S+) \|", PAGE, re.MULTILINE)[1]  # type: ignore[index]
    assert re.search(rf"{option} \S+ (?:(?!--).)*\(default: {default}\)", said)
