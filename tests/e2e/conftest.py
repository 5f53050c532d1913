"""The ways through the product use the running sandbox, with the live tests' fixtures."""

from __future__ import annotations

from tests.live.conftest import api, outputs

__all__ = ["api", "outputs"]
