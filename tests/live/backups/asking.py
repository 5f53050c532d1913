"""Asks the store as one of its users, from the exporter's pod, and says whether it was allowed."""

from __future__ import annotations

from infra import stack as stacks
from infra.render import backup_keys
from infra.render.backup_keys import User
from tests.live.conftest import STACK, Kubectl

SCRIPT = """\
import os, sys, boto3
from botocore.config import Config
secret = sys.stdin.readline().strip()
client = boto3.client(
    "s3", endpoint_url=os.environ["BACKUP_ENDPOINT"], verify=os.environ["BACKUP_CA_FILE"],
    aws_access_key_id="{user}", aws_secret_access_key=secret,
    config=Config(s3={{"addressing_style": "path"}}, retries={{"total_max_attempts": 1}}),
)
b, k = os.environ["BACKUP_BUCKET"], os.environ["BACKUP_STACK"] + "/tried/" + "{key}"
try:
    client.{call}
except Exception as error:
    print("refused", type(error).__name__, error)
else:
    print("allowed")
"""


def as_user(kubectl: Kubectl, user: User, call: str) -> bool:
    """Whether boto3's ``call`` is let through. The user's secret goes through standard input."""
    secret = backup_keys.user_secret(stacks.secret(STACK, "backupKey"), user)
    script = SCRIPT.format(user=user, call=call, key="object")
    command = ("exec", "--stdin", "deployment/backup-exporter", "--", "python3", "-c", script)
    said = kubectl(*command, stdin=secret + "\n")
    return said.startswith("allowed")
