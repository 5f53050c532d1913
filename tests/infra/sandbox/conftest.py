"""An empty cache of our own for the builders' tests; Go's own cache stays the user's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.sandbox import go, tool_versions


@pytest.fixture(scope="session")
def go_cache() -> str:
    """Go's cache follows XDG_CACHE_HOME, and an empty one makes every build compile the runtime."""
    asked = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go_cache: str) -> Path:
    """``paths.cache_dir()`` for this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GOCACHE", go_cache)
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    go.toolchain.cache_clear()
    tool_versions.said.cache_clear()
    return tmp_path / "cache" / "slipway"
