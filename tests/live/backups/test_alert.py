"""A damaged dump makes a drill fail, the alert fires in a real Prometheus, and a good drill ends it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra import reach
from infra.render import backups as render
from infra.settings import check
from infra.settings.model import Settings
from tests.live.backups.watching import Prometheus
from tests.live.conftest import STACK, Kubectl
from tests.live.facts import eventually

pytestmark = [pytest.mark.live, pytest.mark.slow]
Run = Callable[..., subprocess.CompletedProcess[str]]
ALERT = "BackupDrillFailed"
JOB = "drill-for-the-alert"
# In the store's pod the objects are files: what a failing disk does, no user of the store may do.
FLIP = """\
import glob, sys
(path,) = glob.glob(sys.argv[1] + "/database.dump*")
with open(path, "r+b") as file:
    file.seek(1000)
    byte = file.read(1)[0]
    file.seek(1000)
    file.write(bytes([byte ^ 1]))
"""


@pytest.fixture
def settings() -> Settings:
    return check.load(STACK, secrets=False)


@pytest.fixture
def prometheus(
    settings: Settings, environment: dict[str, str], outputs: dict[str, Any]
) -> Iterator[Prometheus]:
    """Reads the stack's exporter from this machine."""
    inside = f"http://{render.EXPORTER}.{outputs['namespace']}.svc:{render.EXPORTER_PORT}"
    with reach.reachable(inside, environment) as url:
        server = Prometheus(urlsplit(url).netloc, settings)
        server.start()
        yield server
        server.remove()


@pytest.fixture
def folder(settings: Settings, slipway: Run, kubectl: Kubectl) -> Iterator[str]:
    """Where the store keeps a backup of this test; it goes with everything that was said of it."""
    root = f"{render.STORE_DATA}/objects/{render.bucket(settings)}/{STACK}"
    made = backup(slipway)
    yield f"{root}/{made}"
    gone = (f"{root}/{made}", f"{root}/drills/{made}")
    kubectl("exec", f"{render.STORE}-0", "--", "rm", "-rf", *gone)


def backup(slipway: Run) -> str:
    """Its id."""
    answer = slipway("backup", "now", STACK, "--json")
    assert answer.returncode == 0, answer.stderr
    return str(json.loads(answer.stdout)["backup"])


def drill(kubectl: Kubectl) -> str:
    """Rehearse the newest backup; the job's log. It is run once, whatever comes of it."""
    template = kubectl("create", "job", "--from=cronjob/backup-drill", JOB, "--dry-run=client", "-o", "json")
    job = json.loads(template)
    job["spec"]["backoffLimit"] = 0
    kubectl("create", "--filename=-", stdin=json.dumps(job))
    try:
        ended = ("get", "job", JOB, "--output=jsonpath={.status.failed}{.status.succeeded}")
        eventually(lambda: kubectl(*ended), "the drill has ended", 180)
        return kubectl("logs", f"job/{JOB}")
    finally:
        kubectl("delete", "job", JOB)


def test_a_drill_of_a_damaged_dump_fires_the_alert_and_a_good_one_ends_it(
    prometheus: Prometheus, folder: str, slipway: Run, kubectl: Kubectl
) -> None:
    prometheus.silent(ALERT)
    kubectl("exec", f"{render.STORE}-0", "--", "python3", "-c", FLIP, folder)
    assert '"result": "failed"' in drill(kubectl)
    prometheus.fires(ALERT)
    backup(slipway)
    assert '"result": "ok"' in drill(kubectl)
    prometheus.silent(ALERT)
