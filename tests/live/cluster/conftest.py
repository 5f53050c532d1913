"""A second cluster beside the sandbox, ``slipway-test`` on network 1, with one workload on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.sandbox.config import SandboxConfig
from tests.live.cluster.second import Cluster


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """The cluster, up, with the workload ready; removed after the last test."""
    found = Cluster(SandboxConfig("slipway-test", 1))
    found.down()  # what an interrupted run left
    found.up()
    try:
        found.deploy()
        yield found
    finally:
        found.down()
