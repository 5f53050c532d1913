"""Between Pulumi's member names (``kmsMasterKeyId``) and those of the AWS API (``KMSMasterKeyID``)."""

from __future__ import annotations

from typing import Any

ODD = {"id": "ID", "sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
ODD_BACK = {theirs: ours for ours, theirs in ODD.items()}


def to_api(value: Any) -> Any:
    """The value with every member's name as the API spells it."""
    if isinstance(value, dict):
        return {ODD.get(k) or k[:1].upper() + k[1:]: to_api(v) for k, v in value.items()}
    return [to_api(v) for v in value] if isinstance(value, list) else value


def from_api(value: Any) -> Any:
    """The value with every member's name as Pulumi spells it."""
    if isinstance(value, dict):
        return {ODD_BACK.get(k) or k[:1].lower() + k[1:]: from_api(v) for k, v in value.items()}
    return [from_api(v) for v in value] if isinstance(value, list) else value
