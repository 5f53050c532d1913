"""What the tests of `slipway restore --from` share: a kubectl that keeps what it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from infra.cli import app, verbs
from infra.errors import UserError
from infra.settings.secrets import SecretName
from tests.infra.cli.test_backup import CRON_JOB, NEW, said
from tests.infra.mocks import SECRETS

TARGET, SOURCE = "ledger-staging", "ledger-prod"
KEY = SECRETS[SecretName.BACKUP_KEY]
S3 = {"kind": "s3", "endpoint": "https://s3.example.com", "region": "ap-northeast-2"}
# Every object that is made stands in a file of its own; a Job gets its uid as from the API.
KUBECTL = """\
#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
line = " ".join(sys.argv[3:])
with (folder / "calls").open("a") as log:
    print(line, file=log)
answers = json.loads((folder / "answers.json").read_text())
answer = next((answers[name] for name in answers if line.startswith(name)), {})
if line.startswith("create"):
    made = json.load(sys.stdin)
    if made["kind"] == answer.get("refused"):
        sys.exit("no " + made["kind"])
    made["metadata"]["uid"] = "0001"
    number = len(list(folder.glob("made-*")))
    (folder / f"made-{number}").write_text(json.dumps(made))
    print(json.dumps(made))
print(answer.get("out", ""))
"""
POD: dict[str, Any] = {
    "containers": [
        {
            "name": "backup-restore",
            "args": ["list"],
            "env": [{"name": "AWS_REGION", "value": "here"}, {"name": "OTHER", "value": "1"}],
            "envFrom": [{"configMapRef": {"name": "environment"}}, {"secretRef": {"name": "reader"}}],
        }
    ],
    "volumes": [{"name": "keys", "secret": {"secretName": "own"}}, {"name": "scratch", "emptyDir": {}}],
}


KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def template(pod: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(CRON_JOB))
    made["spec"]["jobTemplate"]["spec"]["template"]["spec"] = pod
    return made


RESTORED = said("result", database="ledger_restored", backup=NEW, rows=10, masked=True)


def slipway(*arguments: str) -> Result:
    if not app.registered_commands:
        verbs.register(app)
    return CliRunner().invoke(app, ["restore", TARGET, *arguments])


def from_prod(*arguments: str) -> Result:
    return slipway("--from", SOURCE, *arguments)


def made(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("made-*"))]


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def problem(answer: Result) -> str:
    assert isinstance(answer.exception, UserError), answer.output
    return str(answer.exception)


def container(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return found
