"""IAM policies, and their attachment to users and roles."""

from __future__ import annotations

from typing import Any, Literal

from botocore.exceptions import ClientError

from infra.errors import UserError
from infra.sandbox.providers.aws import documents
from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.kinds.base import Kind, absent
from infra.sandbox.providers.aws.kinds.users import GONE, mapping, pairs
from infra.sandbox.providers.shared.values import Object

VERSIONS_KEPT = 5  # IAM's limit, the default one among them


class Policy(Kind):
    """Its id is its ARN. A changed document becomes a new default version."""

    required = ("name", "policy")
    optional = ("path", "description", "tags")
    fixed = ("name", "path", "description")
    place = ("name",)
    computed = ("arn", "policyId")

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        answer = clients.iam.create_policy(
            PolicyName=inputs["name"],
            Path=inputs.get("path", "/"),
            Description=inputs.get("description", ""),
            PolicyDocument=documents.text_of(inputs["policy"]),
            Tags=pairs(inputs.get("tags")),
        )
        return answer["Policy"]["Arn"], {}

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        try:
            found = clients.iam.get_policy(PolicyArn=identity)["Policy"]
            version = clients.iam.get_policy_version(PolicyArn=identity, VersionId=found["DefaultVersionId"])
        except ClientError as error:
            if absent(error, GONE):
                return None
            raise
        live = version["PolicyVersion"]["Document"]
        shown: Object = {
            "name": found["PolicyName"],
            "path": found["Path"],
            "policy": documents.kept(live, known.get("policy")),
            "arn": identity,
            "policyId": found["PolicyId"],
        }
        description = {"description": found["Description"]} if found.get("Description") else {}
        return {**shown, **description, **mapping(clients.iam.list_policy_tags(PolicyArn=identity)["Tags"])}

    def update(self, clients: Clients, identity: str, old: Object, new: Object) -> None:
        if not documents.same(old.get("policy"), new["policy"]):
            others = self._others(clients, identity)
            if len(others) + 1 >= VERSIONS_KEPT:
                self._forget(clients, identity, others[-1:])
            text = documents.text_of(new["policy"])
            clients.iam.create_policy_version(PolicyArn=identity, PolicyDocument=text, SetAsDefault=True)
        before, after = old.get("tags") or {}, new.get("tags") or {}
        if gone := [key for key in before if key not in after]:
            clients.iam.untag_policy(PolicyArn=identity, TagKeys=gone)
        if fresh := {key: value for key, value in after.items() if before.get(key) != value}:
            clients.iam.tag_policy(PolicyArn=identity, Tags=pairs(fresh))

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        try:
            self._forget(clients, identity, self._others(clients, identity))
            clients.iam.delete_policy(PolicyArn=identity)
        except ClientError as error:
            if not absent(error, GONE):
                raise

    def _others(self, clients: Clients, identity: str) -> list[Any]:
        """The versions that are not in force, newest first."""
        versions = clients.iam.list_policy_versions(PolicyArn=identity)["Versions"]
        others = [version for version in versions if not version["IsDefaultVersion"]]
        return sorted(others, key=lambda version: int(version["VersionId"].lstrip("v")), reverse=True)

    def _forget(self, clients: Clients, identity: str, versions: list[Any]) -> None:
        for version in versions:
            clients.iam.delete_policy_version(PolicyArn=identity, VersionId=version["VersionId"])


class Attachment(Kind):
    """A policy at a user or a role. Its id is ``<user or role>/<policy's ARN>``."""

    computed = ()

    def __init__(self, holder: Literal["user", "role"]) -> None:
        self.holder = holder
        self.required = self.fixed = self.place = (holder, "policyArn")

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        self._call(clients, "attach", inputs[self.holder], PolicyArn=inputs["policyArn"])
        return f"{inputs[self.holder]}/{inputs['policyArn']}", {}

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        holder, _, arn = identity.partition("/")
        if not arn.startswith("arn:"):
            form = f"the id is <{self.holder}>/<ARN of the policy>"
            raise UserError.of(identity, "is no id of an attachment", form)
        name = f"list_attached_{self.holder}_policies"
        pages = clients.iam.get_paginator(name).paginate(**self._named(holder))
        try:
            attached = [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]
        except ClientError as error:
            if absent(error, GONE):
                return None
            raise
        return {self.holder: holder, "policyArn": arn} if arn in attached else None

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        holder, _, arn = identity.partition("/")
        try:
            self._call(clients, "detach", holder, PolicyArn=arn)
        except ClientError as error:
            if not absent(error, GONE):
                raise

    def _call(self, clients: Clients, verb: str, holder: str, **more: str) -> None:
        getattr(clients.iam, f"{verb}_{self.holder}_policy")(**self._named(holder), **more)

    def _named(self, holder: str) -> dict[str, str]:
        return {f"{self.holder.capitalize()}Name": holder}
