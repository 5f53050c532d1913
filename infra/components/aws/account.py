"""The one AWS provider of a stack, named explicitly: nothing goes to another account by accident."""

from __future__ import annotations

import re
from typing import Any

import pulumi_aws as aws

from infra.components.aws.arguments import Account

NOBODY = "testing"  # a moto server takes any key
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d{1,5})?/?")  # as written: nothing is resolved
MOTO: dict[str, Any] = {
    "access_key": NOBODY,
    "secret_key": NOBODY,
    "skip_credentials_validation": True,
    "skip_metadata_api_check": True,
    "skip_requesting_account_id": True,
}


def provider(account: Account) -> aws.Provider:
    """The provider. Its key comes from the surroundings (AWS_PROFILE, a role), not from a stack.

    A server of this machine has none of the user's keys to see: it gets one that opens nothing.
    """
    if account.endpoint is None:
        return aws.Provider("aws", region=account.region)
    return aws.Provider(
        "aws",
        region=account.region,
        endpoints=[{"s3": account.endpoint, "iam": account.endpoint}],
        s3_use_path_style=True,
        **(MOTO if LOOPBACK.fullmatch(account.endpoint) else {}),
    )
