"""Sends an object by server-side apply and settles conflicts with other managers of its fields."""

from __future__ import annotations

import re

from infra.errors import UserError
from infra.sandbox.providers.kubernetes.annotations import forces_conflicts
from infra.sandbox.providers.kubernetes.cluster import NoSuchKindError, Ref
from infra.sandbox.providers.kubernetes.kubeconfig import REMEDY
from infra.sandbox.providers.kubernetes.rest import ApiError, UnreachableError
from infra.sandbox.providers.kubernetes.session import Session
from infra.sandbox.providers.shared.values import Object

# Edits by hand give way to the program, as in the official provider, which takes these managers' fields over.
HANDS = ("kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes")
GONE = "if it is gone for good: PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh forgets its objects"
PORT_TAKEN = "provided port is already allocated"
_MANAGER = re.compile(r'conflict with "([^"]+)"')


def apply(session: Session, ref: Ref, inputs: Object, manager: str, *, dry_run: bool = False) -> Object:
    """The object after the apply (dry: as it would be). Raises ApiError; in_words() says it to the user."""
    cluster = session.needs_cluster()
    force = session.settings.patch_force or forces_conflicts(inputs)
    try:
        return cluster.apply(ref, inputs, manager=manager, force=force, dry_run=dry_run)
    except ApiError as error:
        if not (error.status == 409 and _only_hands(error)):
            raise
    return cluster.apply(ref, inputs, manager=manager, force=True, dry_run=dry_run)


def _managers(error: ApiError) -> set[str]:
    return {name for cause in error.causes for name in _MANAGER.findall(cause.message)}


def _only_hands(error: ApiError) -> bool:
    managers = _managers(error)
    return bool(managers) and all(name.startswith(HANDS) for name in managers)


def in_words(error: Exception, ref: Ref | str) -> UserError:
    """An error of the API server as a message: where, what, remedy."""
    where = str(ref)
    if isinstance(error, UserError):
        return error
    if isinstance(error, UnreachableError):
        return UserError.of(where, str(error), f"{REMEDY}; {GONE}")
    if isinstance(error, NoSuchKindError):
        return UserError.of(where, str(error), "create its CustomResourceDefinition first (depends_on)")
    if not isinstance(error, ApiError):
        return UserError.of(
            where, f"{type(error).__name__}: {error}", "this is a defect of the sandbox's plugin"
        )
    what, remedy = _refusal(error)
    return UserError.of(where, what, remedy)


def _refusal(error: ApiError) -> tuple[str, str]:
    causes = "; ".join(f"{cause.field}: {cause.message}" for cause in error.causes if cause.field)
    if error.status == 409 and _managers(error):
        who = ", ".join(sorted(_managers(error)))
        remedy = 'leave those fields out, or take them over: annotation pulumi.com/patchForce: "true"'
        return f"another manager ({who}) holds fields that the program sets: {causes}", remedy
    if error.status == 422 and PORT_TAKEN in causes + error.message:
        what = f"another Service of the cluster has this node port: {causes or error.message}"
        return what, (
            "choose another one (in a stack file: service.node_port), or take that Service down; "
            "kubectl get services --all-namespaces shows who has it"
        )
    if error.status == 422:
        return f"the API server refuses it: {causes or error.message}", "mend the named fields in the program"
    if error.status == 403:
        return f"forbidden: {error.message}", "see the rules it names: admission, quota or the user's roles"
    if error.status == 401:
        return "the API server does not accept the kubeconfig's credentials", REMEDY
    if error.status == 404:
        return error.message, "create what is named before this resource (depends_on)"
    return (
        f"{error.message} (HTTP {error.status})",
        "run pulumi up again; slipway sandbox logs kube-apiserver says more",
    )
