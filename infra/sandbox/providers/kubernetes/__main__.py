"""Starts the kubernetes plugin."""

from __future__ import annotations

import sys
from typing import Any

from infra.sandbox.providers.shared.process import serve


def main(arguments: list[str]) -> None:
    """Serve until the engine is gone. arguments: flags, which are ignored, then the engine's address."""
    serve(arguments, _servicer)


def _servicer(engine_address: str) -> Any:
    from infra.sandbox.providers.kubernetes.servicer import Servicer

    return Servicer(engine_address)


if __name__ == "__main__":
    main(sys.argv[1:])
