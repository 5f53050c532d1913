"""Another stack's backups for a restore: where they are, and the Job that is lent the keys to read them.

The keys come by the operator's own access to that stack's secrets. The pod gets them in a Secret that belongs
to the Job and is deleted as soon as the run ends, however it ends (docs/decisions/0019).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra import backup_jobs
from infra import stack as stacks
from infra.backup_jobs import Job
from infra.errors import EXIT_USAGE, Problem, UserError
from infra.kubectl import Place
from infra.render import backup_keys
from infra.render import backups as render
from infra.render.backup_keys import User
from infra.settings import check
from infra.settings.backups import StoreKind
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

# What a pod must hear of the other store; all else is the stack's own.
STORE_VARIABLES = ("BACKUP_STACK", "BACKUP_BUCKET", "BACKUP_ENDPOINT", "BACKUP_CA_FILE", "AWS_REGION")
CREDENTIALS = (render.ACCESS_KEY_ID, render.SECRET_ACCESS_KEY)
KEYS_VOLUME = "keys"  # infra/components/backup_pods.py
KEY_MODE = 0o440
KEPT_SECONDS = 3600  # a finished Job, and with it a Secret that a killed run of ours has left
AWAY = "the store cannot be asked"  # infra/backups/store.py


@dataclass(frozen=True)
class Source:
    """A stack whose backups are restored elsewhere. ``confidential``: files and variables by their names."""

    stack: str
    time_zone: str
    variables: Mapping[str, str]
    confidential: Mapping[str, str] = field(repr=False)


def of(where: Place, source: str) -> Source:
    """The stack ``source`` for a restore at ``where``. Raises UserError: no backups, no way, no key."""
    if source == where.stack:
        remedy = "leave --from out, or name another stack"
        raise UserError.of("--from", f"{source} is the stack itself", remedy, exit_code=EXIT_USAGE)
    settings = check.load(source, secrets=False)
    if not settings.backups.enabled:
        what = "makes no backups: slipway:backups.enabled is false"
        raise UserError.of(f"--from {source}", what, "name a stack that makes some")
    _require_way(where, settings)
    key = _secret(source, SecretName.BACKUP_KEY)
    files = {name: make(key) for name, make in render.key_files(settings, read=True).items()}
    plain = render.environment(settings)
    return Source(
        stack=source,
        time_zone=settings.backups.time_zone,
        variables={name: plain[name] for name in STORE_VARIABLES},
        confidential={**files, **dict(zip(CREDENTIALS, _credentials(settings, key), strict=True))},
    )


def _require_way(where: Place, source: Settings) -> None:
    """A store in a cluster answers the pods of that cluster only."""
    if source.backups.store.kind is not StoreKind.CLUSTER:
        return
    target = check.load(where.stack, secrets=False)
    if _cluster_of(target) != _cluster_of(source):
        what = f"its store is in its own cluster, which the pods of {where.stack} cannot reach"
        remedy = "only a store outside the cluster serves both: slipway:backups.store of kind s3 or aws"
        raise UserError.of(f"--from {source.stack}", what, remedy)


def _cluster_of(settings: Settings) -> tuple[str | None, str | None]:
    return settings.cluster.kubeconfig_path, settings.cluster.context


def _secret(source: str, name: SecretName) -> str:
    """By the operator's own access. Raises UserError where there is none."""
    remedy = f"get access to the secrets of {source}, then try it: slipway secrets list {source}"
    try:
        value = stacks.secret(source, name)
    except UserError as error:
        said = error.problems[0].what.partition("\n")[0]
        what = f"its secret {name} is not available here: {said}"
        raise UserError.of(f"--from {source}", what, remedy) from None
    if not value:
        raise UserError.of(f"--from {source}", f"its secret {name} is empty", remedy)
    return value


def _credentials(source: Settings, key: str) -> tuple[str, str]:
    """Who asks the store, and its key. Raises UserError."""
    kind = source.backups.store.kind
    if kind is StoreKind.CLUSTER:
        return User.READER.value, backup_keys.user_secret(key, User.READER)
    if kind is StoreKind.S3:
        names = SecretName.BACKUP_ACCESS_KEY_ID, SecretName.BACKUP_SECRET_ACCESS_KEY
        return _secret(str(source.stack), names[0]), _secret(str(source.stack), names[1])
    return _reader_at_aws(str(source.stack))


def _reader_at_aws(source: str) -> tuple[str, str]:
    """IAM issued the reader's key, and only the cluster of the source holds it. Raises UserError."""
    there = backup_jobs.place(source)
    job = there.objects("cronjob", render.job_name("restore"))
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    for entry in container.get("envFrom", ()):
        if "secretRef" in entry:
            data = there.objects("secret", entry["secretRef"]["name"])["data"]
            if all(name in data for name in CREDENTIALS):
                first, second = (base64.b64decode(data[name]).decode() for name in CREDENTIALS)
                return first, second
    what = "its pods ask AWS by a role of theirs, so there is no key that could be lent"
    raise UserError.of(
        f"--from {source}", what, f"restore it in that stack: slipway restore {source} --into NAME"
    )


@contextmanager
def lent(where: Place, source: Source, arguments: Sequence[str]) -> Iterator[Job]:
    """A Job of the restores' template that reads ``source``; its keys are gone when the context ends.

    Raises UserError; of a store that did not answer in words for two stacks.
    """
    made = manifest(where.objects("cronjob", render.job_name("restore")), arguments, source)
    name, begun = made["metadata"]["name"], False
    try:
        # Suspended until it owns the Secret: no pod waits for keys, and no keys are left without a Job.
        answer = where.said("create", "--filename", "-", "--output", "json", stdin=json.dumps(made))
        where.said("create", "--filename", "-", stdin=json.dumps(secret(json.loads(answer), source)))
        where.said("patch", "job", name, "--type", "merge", "--patch", '{"spec": {"suspend": false}}')
        begun = True
        yield Job(where, name)
    except UserError as error:
        raise _in_words(error, where, source) from None
    finally:
        where.said("delete", "secret", name, "--ignore-not-found")
        if not begun:
            Job(where, name).delete()


def manifest(cron_job: dict[str, Any], arguments: Sequence[str], source: Source) -> dict[str, Any]:
    """The Job, suspended, with the other store's variables and keys. Raises UserError: a strange template."""
    made = backup_jobs.manifest(cron_job, arguments)
    name, spec = made["metadata"]["name"], made["spec"]
    spec |= {"suspend": True, "ttlSecondsAfterFinished": KEPT_SECONDS}
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    told: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in source.variables.items()]
    told += [{"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}} for key in CREDENTIALS]
    names = {entry["name"] for entry in told}
    container["env"] = [entry for entry in container.get("env", ()) if entry["name"] not in names] + told
    keys = [volume for volume in pod.get("volumes", ()) if volume["name"] == KEYS_VOLUME]
    if len(keys) != 1:
        what = f"has no volume {KEYS_VOLUME!r} to put the keys of {source.stack} into"
        raise UserError.of(f"cronjob {cron_job['metadata']['name']}", what, "set it right: slipway up")
    files = [{"key": key, "path": key} for key in source.confidential if key not in CREDENTIALS]
    keys[0]["secret"] = {"secretName": name, "defaultMode": KEY_MODE, "items": files}
    return made


def secret(job: dict[str, Any], source: Source) -> dict[str, Any]:
    """The keys under the Job's name; they go with the Job at the latest."""
    metadata = job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": {
            "name": metadata["name"],
            "labels": metadata.get("labels", {}),
            "ownerReferences": [owner],
        },
        "stringData": dict(source.confidential),
    }


def _in_words(error: UserError, where: Place, source: Source) -> UserError:
    """The pod knows of one stack; here it is two."""
    address = source.variables["BACKUP_ENDPOINT"] or "AWS"
    remedy = f"let the pods of {where.stack} reach {address}, the store of {source.stack}; then run it again"
    return UserError(
        [
            Problem(each.where, each.what, remedy) if each.what.startswith(AWAY) else each
            for each in error.problems
        ],
        exit_code=error.exit_code,
    )
