"""Which endpoints belong to which module of the service: the beginnings of their paths, which a test compares
with the service's own routers."""

from __future__ import annotations

from collections.abc import Mapping

from infra.settings.modules import Module

_FREIGHT = ("orders", "dispatches", "clients", "vehicles", "drivers", "mobile")
PATHS: Mapping[Module, tuple[str, ...]] = {
    Module.LEDGER: ("/transactions", "/categories", "/backup", "/recurring", "/stats"),
    Module.DISPATCH: tuple(f"/api/v1/{name}" for name in _FREIGHT),
}


def matcher(module: Module) -> str:
    """PromQL's matcher of the endpoints of a module."""
    return f'endpoint=~"({"|".join(PATHS[module])})(/.*)?"'
