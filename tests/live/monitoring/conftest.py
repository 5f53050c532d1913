"""The watched stack, once for the tests of one file, and gone before the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.monitoring import watched as stacks
from tests.live.monitoring.watched import Watched


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, outputs: dict[str, Any]) -> Iterator[Watched]:
    """Up, and nothing wrong with it."""
    with stacks.watched(tmp_path_factory.mktemp("watched")) as found:
        yield found
