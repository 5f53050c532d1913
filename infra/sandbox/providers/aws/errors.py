"""Errors of AWS as messages: where, what, remedy."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError
from botocore.exceptions import ConnectionError as NoConnectionError

from infra.errors import UserError
from infra.sandbox.providers.aws.kinds.base import code_of

MEND = "mend it in the program, then run pulumi up again"
REMEDIES = {
    "EntityAlreadyExists": "choose another name, or take it over: pulumi import",
    "BucketAlreadyExists": "bucket names are unique over all accounts of AWS: choose another one",
    "NoSuchBucket": "declare the bucket before it, or pulumi refresh where somebody removed it",
    "NoSuchEntity": "declare what it names before it, or pulumi refresh where somebody removed it",
    "DeleteConflict": "take away what others made there (access keys, policies), or set force_destroy",
    "AccessDenied": "give the provider's key the right that it names",
    "InvalidAccessKeyId": "set the provider's access_key to one that the server knows",
    "InvalidClientTokenId": "set the provider's access_key to one that the server knows",
    "SignatureDoesNotMatch": "set the provider's secret_key to the one of its access_key",
    "LimitExceeded": "remove what is not needed any more",
}


def in_words(error: Exception, where: str) -> UserError:
    """Whatever went wrong with a resource, said to the user."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, ClientError):
        said = error.response.get("Error", {}).get("Message", "")
        what = f"AWS refuses {error.operation_name}: {code_of(error)}: {said}"
        return UserError.of(where, what, REMEDIES.get(code_of(error), MEND))
    if isinstance(error, ParamValidationError):
        return UserError.of(where, f"is not what the API of AWS takes: {_one_line(error)}", MEND)
    if isinstance(error, NoConnectionError | HTTPClientError):
        remedy = "start the moto server that the provider's endpoints name, then run it again"
        return UserError.of(where, f"no server answers: {_one_line(error)}", remedy)
    if isinstance(error, BotoCoreError):
        return UserError.of(where, _one_line(error), MEND)
    what = f"{type(error).__name__}: {error}"
    return UserError.of(where, what, "this is a defect of the sandbox's plugin")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
