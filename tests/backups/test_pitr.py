"""Restore to a second, with PostgreSQL, pgBackRest and the object store as they run in the pods."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backups.pitr_pod import Pod, running_pod
from tests.backups.servers import ObjectStore

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def pod(running_store: ObjectStore) -> Iterator[Pod]:
    """A database with an archive and its first base backup."""
    yield from running_pod(running_store)


@pytest.fixture
def table(pod: Pod, request: pytest.FixtureRequest) -> str:
    """A table of the test's own with five rows."""
    name = f"t_{abs(hash(request.node.name)):x}"
    pod.sql(f"CREATE TABLE {name} AS SELECT n AS id FROM generate_series(1, 5) n")  # noqa: S608
    return name


def rows(pod: Pod, table: str) -> int:
    return int(pod.sql(f"SELECT count(*) FROM {table}"))  # noqa: S608


def test_rows_that_were_deleted_after_a_second_are_back_when_that_second_is_restored(
    pod: Pod, table: str
) -> None:
    noted = pod.second()
    pod.sql(f"DELETE FROM {table}")  # noqa: S608
    assert pod.program("check", "--to", noted).result["target"] == noted
    result = pod.restore(noted).result
    assert rows(pod, table) == 5
    assert (
        result["proof"]["last_transaction"] <= noted.replace("T", " ") < result["proof"]["next_transaction"]
    )
