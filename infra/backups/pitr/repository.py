"""pgBackRest as this program uses it: one stanza, its facts as data, its errors in our words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.backups.pitr import children
from infra.backups.pitr.place import STANZA, Place
from infra.errors import UserError

WHERE = "point-in-time repository"
UNREADABLE = 99  # a status code of `info`
ASK_SECONDS = 5  # four times that where the store does not answer; people wait
# A word of pgBackRest's → what it means, and what to do. The first that is found counts.
MEANINGS: Mapping[str, tuple[str, str]] = {
    "FormatError": (
        "cannot be read with this key",
        "it was written with another backupKey; put that one back: slipway secrets set backupKey STACK",
    ),
    "CryptoError": (
        "cannot be read with this key",
        "it was written with another backupKey; put that one back: slipway secrets set backupKey STACK",
    ),
    "403 (Forbidden)": ("is refused by the store", "see that the store knows the user: slipway up STACK"),
    "404 (Not Found)": ("has no bucket", "see backups.bucket, then: slipway up STACK"),
    "HostConnectError": ("cannot be reached", "see that the store runs: slipway status STACK"),
    "unable to get address": ("cannot be reached", "see that the store runs: slipway status STACK"),
    "FileMissingError": ("is empty", "archiving was never on, or backups.bucket is another one"),
    "DbConnectError": ("has no running database to save", "see that it runs: slipway status STACK"),
}


@dataclass(frozen=True)
class Backup:
    """A base backup. ``begun`` and ``ended`` are UTC; ``stop_lsn`` is where its WAL ends; sizes in bytes."""

    label: str
    kind: str
    begun: datetime
    ended: datetime
    timeline: int
    stop_lsn: int
    bytes: int
    stored_bytes: int
    damaged: bool


@dataclass(frozen=True)
class Info:
    """What the repository holds. ``oldest_wal`` and ``newest_wal`` are names of segments."""

    backups: tuple[Backup, ...]
    oldest_wal: str | None
    newest_wal: str | None


class Repository:
    """The stanza of one database."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def command(self, *arguments: str) -> list[str]:
        """The command line; keys stand in the file, never here."""
        return ["pgbackrest", f"--config={self.place.config}", f"--stanza={STANZA}", *arguments]

    def run(self, *arguments: str, keep: tuple[int, ...] = ()) -> str:
        """Its standard output; ``keep`` are descriptors that the child inherits. Raises UserError."""
        done = children.run(self.command(*arguments), cwd=self.place.scratch, pass_fds=keep)
        if done.returncode:
            raise told(arguments[-1], f"{done.stderr}\n{done.stdout}")
        return done.stdout

    def info(self) -> Info:
        """Every base backup, oldest first, and the ends of the archive. Raises UserError."""
        said = self.run("--output=json", f"--io-timeout={ASK_SECONDS}", "info")
        stanzas = json.loads(said, strict=False)  # with another key it quotes raw bytes of what it read
        for stanza in stanzas:
            for repo in stanza["repo"]:
                if repo["status"]["code"] == UNREADABLE:
                    raise told("info", repo["status"]["message"])
        return _info(stanzas[0]) if stanzas else Info((), None, None)

    def create(self) -> None:
        """Makes the stanza; nothing changes where it is there already."""
        self.run("stanza-create")

    def backup(self, kind: str) -> None:
        """Makes a base backup (``full`` or ``diff``) and forgets what retention no longer keeps."""
        self.run(f"--type={kind}", "backup")


def told(doing: str, said: str) -> UserError:
    """pgBackRest's complaint. Its own text is shown only where no meaning is known: it may be raw."""
    for word, (what, remedy) in MEANINGS.items():
        if word in said:
            return UserError.of(WHERE, what, remedy)
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    text = (errors or said.strip().splitlines() or ["no word"])[0][:300]
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return UserError.of(WHERE, f"{doing}: {shown}", "see the log of the container pitr, then run it again")


def lsn(text: str) -> int:
    """``0/2000138`` as a number."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _info(stanza: Mapping[str, Any]) -> Info:
    current = max((found["id"] for found in stanza["db"]), default=0)
    archive = [found for found in stanza["archive"] if found["database"]["id"] == current]
    return Info(
        tuple(_backup(found) for found in stanza["backup"] if found["database"]["id"] == current),
        archive[0]["min"] if archive else None,
        archive[-1]["max"] if archive else None,
    )


def _backup(found: Mapping[str, Any]) -> Backup:
    return Backup(
        label=found["label"],
        kind=found["type"],
        begun=datetime.fromtimestamp(found["timestamp"]["start"], UTC),
        ended=datetime.fromtimestamp(found["timestamp"]["stop"], UTC),
        timeline=int(found["archive"]["start"][:8], 16),
        stop_lsn=lsn(found["lsn"]["stop"]),
        bytes=found["info"]["size"],
        stored_bytes=found["info"]["repository"]["delta"],
        damaged=bool(found.get("error")),
    )
