"""The guide (deployment, operations, troubleshooting): every command in it is run, every message is said."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from infra.paths import ROOT
from infra.settings.leaves import leaves
from tests.infra.guide.answering import unlike
from tests.infra.guide.callers import runs
from tests.infra.guide.proofs import ELSEWHERE, LIVE, OFFLINE, OTHER, PAGES, REVIEWED, page, shell_blocks
from tests.infra.guide.sayings import said
from tests.pages import answers, require_parsing, slipway_calls

pytestmark = pytest.mark.unit
GOLDEN = ROOT / "tests" / "review" / "golden"
# First line of a review → a preview that has it.
REVIEWS = {
    "no changes": "nothing-changes",
    "nothing to acknowledge": "image",
    "needs acknowledgement": "storage-shrinks",
    "the preview failed": "failed",
}
COMMANDS = sorted({line for block in shell_blocks() for line in block.commands})
RUN = sorted({line for block in shell_blocks() if not block.for_people for line in block.commands})
INLINE = sorted({code for name in PAGES for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page(name))})
TROUBLES = page("troubleshooting")
# What slipway says: the first column of the tables, and what has gaps anywhere.
QUOTED = sorted(
    {*re.findall(r"^\| `([^`]+)` \|", TROUBLES, re.MULTILINE), *re.findall(r"`([^`\n]*…[^`\n]*)`", TROUBLES)}
    - {"…"}
)
KEY = re.compile(r"[a-z]+(?:\.[a-z0-9_]+)+")


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of the page, as it is typed."""
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_every_command_is_proved_in_one_way() -> None:
    proved = [*OFFLINE, *LIVE, *ELSEWHERE]
    assert sorted(set(proved)) == sorted(proved) == RUN


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_that_there_is(line: str) -> None:
    for words in slipway_calls(line):
        require_parsing(words)
    assert slipway_calls(line) or re.match(r"(kubectl|git|make) ", line)


@pytest.mark.parametrize("code", [code for code in INLINE if code.startswith("slipway ")])
def test_every_command_in_the_text_is_one_that_there_is(code: str) -> None:
    words = shlex.split(code.replace("…", "X"))[1:]
    if words[0] != "COMMAND":
        require_parsing(words)


@pytest.mark.parametrize("key", [code for code in INLINE if KEY.fullmatch(code) and not code.endswith(".md")])
def test_every_key_in_the_text_is_one_that_there_is(key: str) -> None:
    assert any(f"{leaf.key}.".startswith(f"{key}.") for leaf in leaves())


@pytest.mark.parametrize("line", sorted(OFFLINE))
def test_every_command_that_needs_no_cluster_answers_as_the_page_shows(line: str, tmp_path: Path) -> None:
    proof = OFFLINE[line]
    (tmp_path / "preview.json").write_bytes((GOLDEN / "image" / "preview.json").read_bytes())
    told = shell(line.replace("OTHER", OTHER).replace("STACK", proof.stack), tmp_path)
    assert told.returncode == proof.code, told.stdout + told.stderr
    assert unlike(line, told.stdout + told.stderr, proof.stack) == []


@pytest.mark.parametrize("line", sorted(ELSEWHERE))
def test_every_command_that_another_test_runs_is_still_run_by_it(line: str) -> None:
    for verb, beside in wanted(line):
        assert runs(ELSEWHERE[line], verb, beside), f"{ELSEWHERE[line]} does not run: {line}"
    assert unlike(line, "", "STACK") == []


def wanted(line: str) -> list[tuple[list[str], set[str]]]:
    """For each command of a line: the words that name it, and what must stand with them."""
    found = [(require_parsing(words), _beside(words)) for words in slipway_calls(line)]
    for program, rest in re.findall(r"(kubectl|pulumi) ([^;|&]+)", line):
        words = shlex.split(rest.replace("-n NAMESPACE ", ""))
        plain = [word for word in words if not word.startswith("-") and word.islower()]
        verb = plain if program == "kubectl" else [program, *plain]
        found.append((verb, {word for word in words if word.startswith("-")}))
    return found


def _beside(words: list[str]) -> set[str]:
    """Options, and their values where those are words of the page and not placeholders."""
    options = {word for word in words if word.startswith("--")}
    return options | {
        word
        for before, word in pairwise(words)
        if before.startswith("--") and re.fullmatch(r"[a-z_,]+", word)
    }


@pytest.mark.parametrize("quoted", QUOTED)
def test_every_message_of_the_page_is_one_that_is_said(quoted: str) -> None:
    assert said(quoted)


@pytest.mark.parametrize("words", ["the disk … is on fire", "is being watched by pid …", "restarts: …"])
def test_a_message_that_nobody_says_is_found_out(words: str) -> None:
    assert not said(words)


def test_the_exit_codes_of_a_review_are_those_of_the_page(tmp_path: Path) -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| (\d) \|", page("deployment"), re.MULTILINE))
    assert set(rows) == set(REVIEWS)
    for words, code in rows.items():
        told = shell(f"slipway review {REVIEWED} --from {GOLDEN / REVIEWS[words] / 'preview.json'}", tmp_path)
        assert words in told.stdout.partition("\n")[0]
        assert told.returncode == int(code)


def test_the_exit_codes_of_a_check_are_those_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.ledger-dev.yaml").write_text('config: {"slipway:service": {"replicas": 0}}\n')
    assert shell(f"slipway --stacks {tmp_path} check ledger-dev", tmp_path).returncode == 1
    (tmp_path / "empty").mkdir()
    assert shell("slipway --stacks empty check", tmp_path).returncode == 2


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page(name)):
        file, _, anchor = target.partition("#")
        text = (ROOT / "docs" / (file or f"{name}.md")).resolve()
        assert text.exists(), target
        if anchor:
            assert anchor in anchors(text.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """Of its headings, as they are made of them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_the_readme_leads_to_the_guide(name: str) -> None:
    assert f"](docs/{name}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_answer_of_the_guide_belongs_to_a_command_that_is_run() -> None:
    answered = {line for name in PAGES for line, _ in answers(page(name))}
    assert answered <= set(RUN)
