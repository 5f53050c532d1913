"""A run in which a test was skipped has not shown what it was asked to show; Ctrl-C works in every run;
and where several processes run the tests, none is left alone at the end with what takes long."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

_skipped: list[str] = []


def pytest_configure() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What runs beside other tests gets what these leave of the machine: an example's time says nothing.
    settings.register_profile("any-machine", settings(), deadline=None)
    settings.load_profile("any-machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # of pytest-xdist, which hands files out in this order
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped:
        terminalreporter.write_line(f"failed: a skipped test proves nothing: {', '.join(_skipped)}", red=True)
