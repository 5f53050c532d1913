"""What a type of resource is to this plugin: which inputs it has, and its five operations on AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.shared.values import Object


class Kind:
    """One type. Operations raise botocore's errors; errors.py words them.

    required, optional: its inputs; fixed: those whose change needs a new resource; place: those that only one
    resource can have; computed: outputs that AWS decides; secret: outputs that are never shown.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        """Make it: its id, and outputs that are told only now."""
        raise NotImplementedError

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        """Inputs and outputs as they are now, None if it is gone. known: what stands in the state, if any."""
        raise NotImplementedError

    def update(self, clients: Clients, identity: str, old: Object, new: Object) -> None:
        """Change it in place, from one set of inputs to another."""
        raise NotImplementedError

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        """Remove it; it may be gone already."""
        raise NotImplementedError


def absent(error: Exception, *codes: str) -> bool:
    """Whether an error of AWS says that there is no such thing."""
    return code_of(error) in codes


def code_of(error: Exception) -> str:
    """The error code of an answer of AWS, its HTTP status where it has none; empty for other errors."""
    response: Object = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


@dataclass(frozen=True)
class Call:
    """One of S3's settings of a bucket: its three operations and its body's name in put and in get.

    none: error codes of get that mean absence. write and take turn Pulumi's inputs into the body and back.
    """

    put: str
    get: str
    delete: str
    body: str
    none: str
    write: Callable[[Object], object]
    take: Callable[[Object], Object | None]
    flat: bool = field(default=False)  # get answers the body itself, not a member of that name
