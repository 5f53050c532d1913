"""kubectl in a stack's namespace: the few things that slipway itself looks at and says there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import stack as stacks
from infra.errors import UserError

KUBECTL_SECONDS = 60.0
_LOG_LINE = re.compile(r"[EIW]\d{4} \d\d:\d\d:\d\d")  # of kubectl's library, before what kubectl says itself


@dataclass(frozen=True)
class Place:
    """The namespace of a stack that is up."""

    stack: str
    namespace: str
    environment: Mapping[str, str]

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """A short command in the namespace; its answer, good or bad."""
        return subprocess.run(
            self.command(*arguments),
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=KUBECTL_SECONDS,
        )

    def command(self, *arguments: str) -> list[str]:
        """kubectl's command line for this namespace."""
        return ["kubectl", "--namespace", self.namespace, *arguments]

    def objects(self, *arguments: str) -> Any:
        """What ``kubectl get`` answers, as data. Raises UserError."""
        return json.loads(self.said("get", *arguments, "--output", "json", "--request-timeout", "20s"))

    def said(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output of a short command. Raises UserError with what it said on standard error."""
        answer = self.kubectl(*arguments, stdin=stdin)
        if answer.returncode:
            remedy = f"see what runs: slipway status {self.stack}"
            raise UserError.of(f"cluster of {self.stack}", words(answer.stderr)[-1000:], remedy)
        return answer.stdout


def words(stderr: str) -> str:
    """What kubectl says of an error, without the lines of its library's log."""
    return "\n".join(line for line in stderr.strip().splitlines() if not _LOG_LINE.match(line))


def place(stack: str) -> Place:
    """Where the stack is. Raises UserError where it is not up."""
    outputs = stacks.outputs_while_up(stack)
    return Place(stack, outputs["namespace"], stacks.surroundings(stack))
