"""IAM users and their access keys. A key's secret is told once, at its making; the state keeps it, sealed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.kinds.base import Kind, absent
from infra.sandbox.providers.shared.values import Object

GONE = "NoSuchEntity"


def pairs(tags: Object | None) -> list[Object]:
    """Tags as the API has them."""
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def mapping(tags: list[Any] | None) -> Object:
    """Tags as Pulumi has them; nothing at all where there are none."""
    found = {tag["Key"]: tag["Value"] for tag in tags or ()}
    return {"tags": found} if found else {}


class User(Kind):
    """Its id is its name."""

    required = ("name",)
    optional = ("path", "tags", "forceDestroy")
    place = ("name",)
    computed = ("arn", "uniqueId")

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        path, tags = inputs.get("path", "/"), pairs(inputs.get("tags"))
        clients.iam.create_user(UserName=inputs["name"], Path=path, Tags=tags)
        return inputs["name"], {}

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        try:
            found = clients.iam.get_user(UserName=identity)["User"]
        except ClientError as error:
            if absent(error, GONE):
                return None
            raise
        shown = {"name": identity, "path": found["Path"], "arn": found["Arn"], "uniqueId": found["UserId"]}
        kept = {"forceDestroy": bool(known.get("forceDestroy"))}
        return {**shown, **kept, **mapping(clients.iam.list_user_tags(UserName=identity)["Tags"])}

    def update(self, clients: Clients, identity: str, old: Object, new: Object) -> None:
        moved = {"NewUserName": new["name"], "NewPath": new.get("path", "/")}
        if (identity, old.get("path", "/")) != tuple(moved.values()):
            clients.iam.update_user(UserName=identity, **moved)
        before, after = old.get("tags") or {}, new.get("tags") or {}
        if gone := [key for key in before if key not in after]:
            clients.iam.untag_user(UserName=new["name"], TagKeys=gone)
        if fresh := {key: value for key, value in after.items() if before.get(key) != value}:
            clients.iam.tag_user(UserName=new["name"], Tags=pairs(fresh))

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        try:
            if known.get("forceDestroy"):
                for key in clients.iam.list_access_keys(UserName=identity)["AccessKeyMetadata"]:
                    clients.iam.delete_access_key(UserName=identity, AccessKeyId=key["AccessKeyId"])
            clients.iam.delete_user(UserName=identity)
        except ClientError as error:
            if not absent(error, GONE):
                raise


class AccessKey(Kind):
    """Its id is the key's own."""

    required = ("user",)
    optional = ("status",)
    fixed = ("user",)
    computed = ("secret", "createDate")
    secret = ("secret",)

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        made = clients.iam.create_access_key(UserName=inputs["user"])["AccessKey"]
        if inputs.get("status", "Active") != "Active":
            self._set(clients, made["AccessKeyId"], inputs)
        return made["AccessKeyId"], {"secret": made["SecretAccessKey"]}

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        try:
            user = known.get("user") or self._owner(clients, identity)
            keys = clients.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
        except ClientError as error:
            if absent(error, GONE):
                return None
            raise
        found = next((key for key in keys if key["AccessKeyId"] == identity), None)
        if found is None:
            return None
        secret = {"secret": known["secret"]} if "secret" in known else {}
        created = found["CreateDate"].isoformat()
        return {"user": user, "status": found["Status"], "createDate": created, **secret}

    def update(self, clients: Clients, identity: str, old: Object, new: Object) -> None:
        self._set(clients, identity, new)

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        try:
            clients.iam.delete_access_key(UserName=known["user"], AccessKeyId=identity)
        except ClientError as error:
            if not absent(error, GONE):
                raise

    def _owner(self, clients: Clients, identity: str) -> str:
        return str(clients.iam.get_access_key_last_used(AccessKeyId=identity)["UserName"])

    def _set(self, clients: Clients, identity: str, inputs: Object) -> None:
        status = inputs.get("status", "Active")
        clients.iam.update_access_key(UserName=inputs["user"], AccessKeyId=identity, Status=status)
