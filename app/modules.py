"""The registry of domain modules; MODULES chooses among them."""

from __future__ import annotations

from collections.abc import Iterable

from app import dispatch, ledger
from app.core.module import Module

REGISTRY: dict[str, Module] = {module.name: module for module in (ledger.MODULE, dispatch.MODULE)}


def chosen(names: Iterable[str]) -> tuple[Module, ...]:
    """The modules of these names, which settings have checked, in the registry's order."""
    wanted = set(names)
    return tuple(module for module in REGISTRY.values() if module.name in wanted)
