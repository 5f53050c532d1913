"""kubectl goes to the stack's context, never to the one that a shell happens to be in.

Of the files in KUBECONFIG kubectl takes the first ``current-context`` (Kubernetes: "Organizing Cluster Access
Using Kubeconfig Files", merging rules). So a file of ours that says nothing else stands before theirs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from infra import paths, private
from infra.engine import cli

VARIABLE = "KUBECONFIG"
USUAL = (".kube", "config")  # below the home folder
# What follows our file: the stack file's own kubeconfig, the shell's variable, or the usual file without one.
OWN, SHELL, UNSET = "own", "shell", "unset"


def leading(stack: str, context: str, kubeconfig: str | None) -> dict[str, str]:
    """The variable that leads kubectl to ``context`` of that file, or of those that the shell names."""
    theirs = None if VARIABLE in cli.misleading({}) else before_us()
    if kubeconfig:
        kind, rest = OWN, kubeconfig
    elif theirs:
        kind, rest = SHELL, theirs
    else:
        kind, rest = UNSET, str(Path.home().joinpath(*USUAL))
    return {VARIABLE: f"{_written(_folder() / kind / f'{stack}.yaml', context)}{os.pathsep}{rest}"}


def before_us() -> str | None:
    """KUBECONFIG as the user has set it, whatever `slipway env` has put before or instead of it."""
    first, _, rest = os.environ.get(VARIABLE, "").partition(os.pathsep)
    if Path(first).parent.parent != _folder():
        return os.environ.get(VARIABLE)
    return rest if Path(first).parent.name == SHELL else None


def unled() -> None:
    """For a program that takes KUBECONFIG for one file: as the user has set it."""
    theirs = before_us()
    if theirs is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = theirs


def _written(file: Path, context: str) -> Path:
    """A kubeconfig of the current context alone; JSON is YAML."""
    text = json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": context}) + "\n"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private.write(file, text)
    return file


def _folder() -> Path:
    return paths.state_dir() / "contexts"
