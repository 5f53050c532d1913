"""The colours of pictures."""

from __future__ import annotations

from infra.monitoring.alert import Severity

GROUND, INK, QUIET = "#f4f5f7", "#1f2329", "#6b727c"
GOOD, BAD = "#3d9a5f", "#c93c37"
LIMITS = {Severity.CRITICAL: BAD, Severity.WARNING: "#d9822b", Severity.NONE: QUIET}
# Told apart also by those who do not see red and green: seven of Okabe and Ito's, and five more.
LINES = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#999933",
    "#332288", "#661100", "#44aa99", "#888888",
)  # fmt: skip
