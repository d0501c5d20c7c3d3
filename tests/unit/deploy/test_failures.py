"""How commands end that fail."""

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from chalicelib.storage.errors import AccessDenied, StorageFailed
from deploy.failures import explained, reported
from deploy.stacks import DeployError


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "why"}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoCredentialsError(), "Unable to locate credentials. Sign in with `aws sso login`"),
        (StorageFailed("NoCredentialsError"), "Sign in with"),
        (ProfileNotFound(profile="nope"), "`aws configure list-profiles`"),
        (NoRegionError(), "You must specify a region. Name a region of AWS"),
        (InvalidRegionError(region_name="eu central"), "Name a region of AWS"),
        (UnauthorizedSSOTokenError(), "Sign in again"),
        (refused("ExpiredToken"), "operation: why. Sign in again"),
        (refused("InvalidClientTokenId"), "renew the keys"),
        (refused("AccessDenied"), "lack a permission"),
        (AccessDenied("PutObject: AccessDenied"), "lack a permission"),
        (EndpointConnectionError(endpoint_url="https://x"), "Check the connection to the internet"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_of_credentials_region_and_connection_say_what_to_do(error: Exception, advice: str) -> None:
    assert advice in explained(error)


def test_other_failures_are_told_as_they_are() -> None:
    assert explained(DeployError("The disk is full.")) == "The disk is full."
    assert explained(refused("Throttling")).endswith("operation: why")
    assert explained(FileExistsError(17, "File exists", "model.tar")) == "model.tar: File exists."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DeployError("The disk is full."), "Not done. The disk is full.\nGo on."),
        (KeyError("task"), "Not done. 'task'\nGo on."),
        (KeyboardInterrupt(), "Not done. It was stopped.\nGo on."),
    ],
)
def test_command_ends_with_a_message(error: BaseException, message: str) -> None:
    with pytest.raises(SystemExit) as ended, reported("Not done.", KeyError, rest=lambda: ["Go on."]):
        raise error
    assert ended.value.code == message
