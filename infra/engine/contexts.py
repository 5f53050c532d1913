"""kubectl goes to the stack's context, never to the one that a shell happens to be in.

Of the files in KUBECONFIG kubectl takes the first ``current-context`` (Kubernetes: "Organizing Cluster Access
Using Kubeconfig Files", merging rules). So a file of ours that says nothing else stands before theirs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from infra import paths
from infra.engine import cli

VARIABLE = "KUBECONFIG"
USUAL = (".kube", "config")  # below the home folder


def leading(stack: str, context: str, kubeconfig: str | None) -> dict[str, str]:
    """The variable that leads kubectl to ``context`` of that file, or of those that the shell names."""
    folder = _own() if kubeconfig else _users()
    file, text = folder / f"{stack}.yaml", _text(context)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    return {VARIABLE: os.pathsep.join([str(file), *([kubeconfig] if kubeconfig else users_own())])}


def users_own() -> list[str]:
    """The kubeconfigs of the user's own choice, whatever `slipway env` has put before or instead of them."""
    named = [] if VARIABLE in cli.misleading({}) else os.environ.get(VARIABLE, "").split(os.pathsep)
    if any(Path(name).parent == _own() for name in named):
        named = []  # the next one is the choice of that stack's file
    theirs = [name for name in named if name and Path(name).parent != _users()]
    return theirs or [str(Path.home().joinpath(*USUAL))]


def _text(context: str) -> str:
    """A kubeconfig of the current context alone; JSON is YAML."""
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": context}) + "\n"


def _own() -> Path:
    """Before a kubeconfig that a stack file names."""
    return paths.state_dir() / "contexts" / "named"


def _users() -> Path:
    """Before those of the user."""
    return paths.state_dir() / "contexts" / "shell"
