"""The long runs use the same sandbox and the same fixtures as the live tests."""

from __future__ import annotations

from tests.live.conftest import api, environment, kubectl, objects, outputs, slipway
from tests.live.release.conftest import released

__all__ = ["api", "environment", "kubectl", "objects", "outputs", "released", "slipway"]
