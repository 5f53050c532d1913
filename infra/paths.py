"""Where things stand on the machine: the project's root, the user's cache and state folders."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
TOOLS = ROOT / "infra" / "sandbox" / "tools"


def stacks_dir() -> Path:
    """Stack files and profiles: ``$SLIPWAY_STACKS`` where it is set (``slipway --stacks``), else stacks/."""
    return Path(os.environ.get("SLIPWAY_STACKS") or ROOT / "stacks").resolve()


def cache_dir() -> Path:
    """Built tools and images; safe to delete. ``$XDG_CACHE_HOME/slipway`` (XDG Base Directory 0.8)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


def dev_dir() -> Path:
    """What ``slipway dev`` keeps. Root's home is closed to the user that PostgreSQL then runs as: without
    XDG_STATE_HOME root has /var/lib/slipway/dev (Filesystem Hierarchy Standard 3.0, 5.8)."""
    if os.geteuid() == 0 and not os.environ.get("XDG_STATE_HOME"):
        return Path("/var/lib/slipway/dev")
    return state_dir() / "dev"


def state_dir() -> Path:
    """The sandbox clusters, Pulumi's state and the passphrase. ``$XDG_STATE_HOME/slipway``."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "slipway"
