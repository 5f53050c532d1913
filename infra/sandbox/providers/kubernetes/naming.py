"""Names of objects whose program gave none, decided in Check so that preview and up agree."""

from __future__ import annotations

import hashlib
import random
from typing import Protocol

from infra.errors import UserError
from infra.sandbox.providers.shared.values import Object, dig

AUTONAMED = "pulumi.com/autonamed"
SUFFIX_DIGITS = 8
LONGEST = 253  # DNS subdomain; a kind with a shorter limit is refused by the API server in words


class Autonaming(Protocol):
    """pulumirpc.CheckRequest.AutonamingOptions: what the user's ``pulumi:autonaming`` config asks for."""

    proposed_name: str
    mode: int


PROPOSE, ENFORCE, DISABLE = 0, 1, 2


def is_autonamed(obj: Object) -> bool:
    """Whether the name was made here and not by the program."""
    return (dig(obj, "metadata.annotations") or {}).get(AUTONAMED) == "true"


def named(obj: Object, old: Object, logical: str, seed: bytes, options: Autonaming | None) -> Object:
    """The object with a name: its own, the one made for it before, or a new one."""
    meta = obj.get("metadata") or {}
    if meta.get("name"):
        return obj
    if meta.get("generateName"):
        what = "metadata.generateName cannot be applied: every run would make another object"
        raise UserError.of(logical, what, "leave the name out: Pulumi makes one and keeps it")
    old_name = dig(old, "metadata.name") if is_autonamed(old) else None
    name = old_name or _new_name(logical, seed, options)
    annotations = {**(meta.get("annotations") or {}), AUTONAMED: "true"}
    return {**obj, "metadata": {**meta, "name": name, "annotations": annotations}}


def _new_name(logical: str, seed: bytes, options: Autonaming | None) -> str:
    if options and options.mode == DISABLE:
        what = "has no metadata.name and pulumi:autonaming is disabled"
        raise UserError.of(logical, what, "give it a metadata.name")
    if options and options.proposed_name:
        return options.proposed_name
    digits = random.Random(seed or None).getrandbits(4 * SUFFIX_DIGITS)  # noqa: S311 - a name, not a key
    return f"{logical[: LONGEST - SUFFIX_DIGITS - 1]}-{digits:0{SUFFIX_DIGITS}x}"


def field_manager(urn: str, obj: Object, state: Object) -> str:
    """Who we are to server-side apply: the annotation, the state's name, or one that follows from the URN.

    From the URN, so that the run after a killed one finds its own objects again, and no other resource's.
    """
    chosen = (dig(obj, "metadata.annotations") or {}).get("pulumi.com/patchFieldManager")
    recorded = state.get("__fieldManager")
    made = f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"
    return str(chosen or recorded or made)
