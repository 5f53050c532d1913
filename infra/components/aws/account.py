"""The one AWS provider of a stack, named explicitly: nothing goes to another account by accident."""

from __future__ import annotations

import pulumi_aws as aws

from infra.components.aws.arguments import Account

NOBODY = "testing"  # a moto server takes any key


def provider(account: Account) -> aws.Provider:
    """The provider. On AWS its key comes from the surroundings (AWS_PROFILE, a role), not from a stack."""
    if account.endpoint is None:
        return aws.Provider("aws", region=account.region)
    return aws.Provider(
        "aws",
        region=account.region,
        access_key=NOBODY,
        secret_key=NOBODY,
        endpoints=[{"s3": account.endpoint, "iam": account.endpoint}],
        s3_use_path_style=True,
        skip_credentials_validation=True,
        skip_metadata_api_check=True,
        skip_requesting_account_id=True,
    )
