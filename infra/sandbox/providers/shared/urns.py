"""What a URN tells about any resource: its stack, its logical name, its type."""

from __future__ import annotations


def stack_of(urn: str) -> str:
    """The stack's name; empty where the engine told none."""
    return urn.removeprefix("urn:pulumi:").partition("::")[0]


def logical_name(urn: str) -> str:
    """The resource's name in the program."""
    return urn.rpartition("::")[2]


def type_token(urn: str) -> str:
    """``kubernetes:apps/v1:Deployment``, without the types of the parents."""
    return urn.split("::")[2].rpartition("$")[2]
