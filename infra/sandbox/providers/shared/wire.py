"""The engine's messages without the rest of the Pulumi SDK, whose import takes longer than all others."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def only_messages() -> None:
    """Let ``pulumi.runtime.proto`` be imported alone: its parents become empty packages. For the plugin only.

    Every preview starts the plugin twice; this halves what a start costs (docs/decisions/0003).
    """
    spec = importlib.util.find_spec("pulumi")
    if "pulumi" in sys.modules or spec is None or not spec.submodule_search_locations:
        return
    folder = Path(spec.submodule_search_locations[0])
    for name, place in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        empty = ModuleType(name)
        empty.__path__ = [str(place)]
        sys.modules[name] = empty
