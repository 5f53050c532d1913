"""The words that checks of readiness speak: a verdict on the object, troubles of its parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from infra.sandbox.providers.kubernetes.cluster import Cluster, Ref
from infra.sandbox.providers.kubernetes.masking import Masks
from infra.sandbox.providers.shared.values import Object


@dataclass(frozen=True)
class Ready:
    """Nothing to wait for any more, once it has been so for ``lasting`` seconds."""

    lasting: float = 0.0


@dataclass(frozen=True)
class Failed:
    """It will not become ready by waiting."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Trouble:
    """Something wrong with a part. It is certain after ``grace`` seconds of lasting; never, if grace is None.

    key: tells it from other troubles while it lasts; more: a costly addition (log lines), fetched at the end.
    """

    key: str
    text: str
    grace: float | None
    more: Callable[[], str] = str

    def full(self) -> str:
        """The text with its addition."""
        return self.text + self.more()


@dataclass(frozen=True)
class Pending:
    """Not yet; doing: a short status text, reasons and troubles: what to say if the time runs out now."""

    doing: str
    reasons: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    def details(self) -> tuple[str, ...]:
        """Every reason, with what it costs to fetch."""
        return (*self.reasons, *(trouble.full() for trouble in self.troubles))


Verdict = Ready | Pending | Failed


@dataclass
class Look:
    """What a check sees: the live object, the cluster, and for how long each trouble has lasted."""

    cluster: Cluster
    ref: Ref
    masks: Masks
    live: Object
    _since: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    @property
    def waited(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self._started

    def certain(self, troubles: Iterable[Trouble]) -> list[Trouble]:
        """The troubles that have lasted for their grace; those that went away are forgotten."""
        now = time.monotonic()
        current = {trouble.key: trouble for trouble in troubles}
        self._since = {key: self._since.get(key, now) for key in current}
        return [t for key, t in current.items() if t.grace is not None and now - self._since[key] >= t.grace]


Check = Callable[[Look], Verdict]


def weigh(look: Look, troubles: list[Trouble], doing: str) -> Verdict:
    """Failed with the troubles that are certain; else Pending, with all of them as reasons."""
    if certain := look.certain(troubles):
        return Failed(tuple(trouble.full() for trouble in certain))
    shown = f"{doing}: {troubles[0].text}" if troubles else doing
    return Pending(shown, (doing,), tuple(troubles))
