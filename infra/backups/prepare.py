"""Makes the bucket of the store in the cluster what it must be: there, versioned, locked, under its policy.

templates/backups/store.sh.j2 runs it at every start of the store, on loopback, before anyone else comes in.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config as Botocore
from botocore.exceptions import BotoCoreError, ClientError

from infra.backups import report
from infra.errors import Problem

POLL_SECONDS = 0.1
THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def prepare(client: Any, bucket: str, policy: str, lock_days: int, lock_mode: str) -> None:
    """Idempotent. A lock counts for what is written from now on."""
    try:
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    except ClientError as error:
        if error.response["Error"]["Code"] not in THERE:
            raise
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    lock: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if lock_days:
        lock["Rule"] = {"DefaultRetention": {"Mode": lock_mode, "Days": lock_days}}
    client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    if not _same(client, bucket, policy):
        client.put_bucket_policy(Bucket=bucket, Policy=policy)


def _same(client: Any, bucket: str, policy: str) -> bool:
    try:
        return bool(json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(policy))
    except ClientError:
        return False


def awaited(client: Any, seconds: float) -> None:
    """Wait until the store answers. Raises BotoCoreError where it does not in time."""
    end = time.monotonic() + seconds
    while True:
        try:
            client.list_buckets()
        except BotoCoreError:
            if time.monotonic() >= end:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """0: the bucket is as wanted; 1: the store refuses, which is told."""
    parser = argparse.ArgumentParser(prog="python -m infra.backups.prepare")
    for name in ("endpoint", "bucket", "lock-mode"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--policy", required=True, type=Path)
    parser.add_argument("--lock-days", required=True, type=int)
    parser.add_argument("--seconds", required=True, type=float)
    given = parser.parse_args(arguments)
    options = Botocore(s3={"addressing_style": "path"}, connect_timeout=2, retries={"total_max_attempts": 1})
    client = boto3.client("s3", endpoint_url=given.endpoint, config=options)
    try:
        awaited(client, given.seconds)
        policy = given.policy.read_text(encoding="utf-8")
        prepare(client, given.bucket, policy, given.lock_days, given.lock_mode)
    except (BotoCoreError, ClientError) as error:
        report.problem(Problem(f"bucket {given.bucket}", str(error), "see the store's log above"))
        return 1
    report.say("done", step="prepare", bucket=given.bucket)
    return 0


if __name__ == "__main__":
    sys.exit(main())
