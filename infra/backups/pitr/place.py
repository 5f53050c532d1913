"""Where things lie on the database's volume and in the pods; infra/render/postgres.py has the same paths."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STANZA = "main"
VARIABLES: Mapping[str, str] = {
    "PITR_CONFIG": "/run/slipway/pitr/pgbackrest.conf",
    "PITR_MOUNT": "/var/lib/postgresql/volume",
    "PITR_SCRATCH": "/tmp",  # noqa: S108  the pod's own
    "PITR_SOCKETS": "/run/postgresql",
    "PITR_PORT": "5432",
    "PITR_BIN": "/usr/lib/postgresql/15/bin",
}


@dataclass(frozen=True)
class Place:
    """The volume's folders. ``config`` is pgBackRest's file, ``sockets`` the running server's."""

    config: Path
    mount: Path
    scratch: Path
    sockets: Path
    port: int
    bin: Path
    live: Path = field(init=False)
    restored: Path = field(init=False)
    previous: Path = field(init=False)
    lock: Path = field(init=False)
    state: Path = field(init=False)

    def __post_init__(self) -> None:
        names = {"live": "data", "restored": "data.restored", "previous": "data.previous"}
        for attribute, name in {**names, "lock": "lock", "state": "restore.json"}.items():
            object.__setattr__(self, attribute, self.mount / name)


def load(environment: Mapping[str, str] = os.environ) -> Place:
    """The places of this process."""
    found = {name: environment.get(name) or default for name, default in VARIABLES.items()}
    return Place(
        config=Path(found["PITR_CONFIG"]),
        mount=Path(found["PITR_MOUNT"]),
        scratch=Path(found["PITR_SCRATCH"]),
        sockets=Path(found["PITR_SOCKETS"]),
        port=int(found["PITR_PORT"]),
        bin=Path(found["PITR_BIN"]),
    )
