"""Everything this machine must have for the sandbox, in one list; asked before anything is changed."""

from __future__ import annotations

from infra.errors import EXIT_USAGE, Problem, UserError
from infra.sandbox import preflight, tools
from infra.sandbox.config import SandboxConfig


def problems(config: SandboxConfig) -> list[Problem]:
    """Every problem of the machine and of the tools that would have to be built on it."""
    return [*preflight.problems(config), *tools.problems()]


def require_machine(config: SandboxConfig) -> None:
    """Raise UserError with every problem at once where the machine cannot carry the sandbox."""
    found = problems(config)
    if found:
        raise UserError(found, exit_code=EXIT_USAGE)
