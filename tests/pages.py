"""Pages of docs as data: their blocks, commands and answers; and whether a command is one that there is."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

import typer.main

from infra.cli import app, verbs

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOR_PEOPLE = "For people"  # how the paragraph above a block begins that no test runs
COMMENT = re.compile(r"\s+#\s.*$")
CALL = re.compile(r"(?:^|[;|&(]\s*)slipway\s+([^;|&)>\"]+)")
# What stands for somebody's own value where a number is wanted.
NUMBERS = {"N": "1"}


@dataclass(frozen=True)
class Block:
    """A fenced block. ``above``: the paragraph before it; ``heading``: the nearest one."""

    kind: str
    text: str
    above: str
    heading: str

    @property
    def commands(self) -> list[str]:
        """Its lines without their comments."""
        return [COMMENT.sub("", line).rstrip() for line in self.text.splitlines() if line.strip()]

    @property
    def for_people(self) -> bool:
        """Whether no test runs it, as the page says."""
        return self.above.startswith(FOR_PEOPLE)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in its order."""
    found = []
    for match in FENCED.finditer(page):
        before = page[: match.start()].rstrip()
        above = before.rpartition("\n\n")[2]
        headings = re.findall(r"^#+ (.+)$", FENCED.sub("", before), re.MULTILINE)
        found.append(Block(match[1], match[2], above, headings[-1] if headings else ""))
    return found


def answers(page: str) -> list[tuple[str, str]]:
    """Command → what the page says a good answer is: the block ``text`` after the command's block."""
    found, before = [], ""
    for block in blocks(page):
        if block.kind == "sh":
            before = block.commands[-1]
        elif block.kind == "text":
            found.append((before, block.text))
    return found


def slipway_calls(line: str) -> list[list[str]]:
    """The arguments of each slipway in a line of shell."""
    return [shlex.split(call) for call in CALL.findall(line)]


def require_parsing(words: list[str]) -> list[str]:
    """Raises where slipway has no such command, option or argument; the words follow ``slipway``. The verb:
    those of them that name the command."""
    if not app.registered_commands:
        verbs.register(app)
    command: Any = typer.main.get_command(app)
    verb, rest = list[str](), [NUMBERS.get(word, word) for word in words if word != "--help"]
    while subcommands := getattr(command, "commands", None):
        assert rest and rest[0] in subcommands, f"no such command: slipway {' '.join(words)}"
        command = subcommands[rest[0]]
        verb.append(rest.pop(0))
    command.make_context(command.name, rest)
    return verb
