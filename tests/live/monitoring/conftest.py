"""The watched stack, once for all tests that look at its alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.monitoring import watched as stacks
from tests.live.monitoring.watched import Watched


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory, outputs: dict[str, Any]) -> Iterator[Watched]:
    """Up, and nothing wrong with it."""
    with stacks.watched(tmp_path_factory.mktemp("watched")) as found:
        yield found
