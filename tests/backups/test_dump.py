"""What a backup holds, and what its manifest says of it."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.backups.conftest import ROWS, Environ
from tests.backups.running import run
from tests.backups.servers import STACK, ObjectStore

pytestmark = pytest.mark.integration


def test_a_backup_is_a_dump_and_a_manifest_written_last(
    environment: Environ, store_server: ObjectStore
) -> None:
    said = run(environment("writer"), "dump")
    name = said.result["backup"]
    manifest = json.loads(store_server.get(f"{STACK}/{name}/manifest.json"))
    dump = store_server.get(f"{STACK}/{name}/database.dump.zst.age")
    assert set(store_server.keys()) == {
        f"{STACK}/{name}/{each}" for each in ("database.dump.zst.age", "manifest.json")
    }
    assert manifest["objects"] == [
        {"name": "database.dump.zst.age", "bytes": len(dump), "sha256": hashlib.sha256(dump).hexdigest()}
    ]
    tables = {table["name"]: table for table in manifest["tables"]}
    assert tables["transactions"]["rows"] == tables["orders"]["rows"] == ROWS
    assert manifest["schema_revision"] == "0008"
