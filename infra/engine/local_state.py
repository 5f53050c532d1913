"""Pulumi's state of the stacks on this machine's sandbox: a folder of the file backend."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra import paths
from infra.names import PROJECT

PROVIDER = "pulumi:providers:kubernetes"


def backend() -> Path:
    """The folder that PULUMI_BACKEND_URL names."""
    return paths.state_dir() / "pulumi"


def home() -> Path:
    """The engine's own folder, PULUMI_HOME."""
    return paths.state_dir() / "pulumi-home"


def variables() -> dict[str, str]:
    """What makes plain ``pulumi`` keep to this machine."""
    return {
        "PULUMI_BACKEND_URL": f"file://{backend()}",
        "PULUMI_HOME": str(home()),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def make() -> None:
    """Make both folders, for their owner only."""
    backend().mkdir(parents=True, exist_ok=True, mode=0o700)
    home().mkdir(exist_ok=True, mode=0o700)


def file(stack: str) -> Path:
    """The stack's state; missing for a stack that was never made."""
    return backend() / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def interrupted(stack: str) -> bool:
    """Whether the state holds operations that began and never ended."""
    return bool(_latest(file(stack)).get("pending_operations"))


def stacks_on(kubeconfig: Path) -> list[str]:
    """The stacks whose resources are on the cluster of that kubeconfig, sorted."""
    files = sorted(file("x").parent.glob("*.json"))
    return [path.stem for path in files if str(kubeconfig) in _kubeconfigs(_latest(path))]


def forget(stack: str) -> None:
    """Drop the state of a stack whose resources are gone; its stack file and secrets stay."""
    for folder in ("stacks", "backups", "history", "locks"):
        for path in list((backend() / ".pulumi" / folder).rglob(f"{stack}*")):
            if path.name != stack and not path.name.startswith(f"{stack}."):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _latest(path: Path) -> dict[str, Any]:
    """The newest deployment of a state file; empty where there is none."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    found: dict[str, Any] = state.get("checkpoint", {}).get("latest") or {}
    return found


def _kubeconfigs(latest: dict[str, Any]) -> Iterator[str]:
    for resource in latest.get("resources") or ():
        if resource.get("type") == PROVIDER:
            yield str((resource.get("inputs") or {}).get("kubeconfig", ""))
