"""The way into the slipway command: so light that a Ctrl-C while the rest is imported has its word too."""

from __future__ import annotations

import sys

from infra.errors import EXIT_INTERRUPTED


def main() -> None:
    """infra.cli's main; Ctrl-C becomes 130, also before there is one."""
    try:
        from infra import cli

        cli.main()
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
