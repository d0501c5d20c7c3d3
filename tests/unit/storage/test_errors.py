"""Errors of S3, without the keys that they quote."""

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.storage.errors import (
    AccessDenied,
    ObjectChanged,
    ObjectMissing,
    StorageFailed,
    anonymous_errors,
    conditional,
)

pytestmark = pytest.mark.usefixtures("cloud")

KEY = "inbox/chest-xray/Jane Doe.dcm"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"no access to {KEY}"}}, "GetObject")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("NoSuchKey", ObjectMissing),
        ("NoSuchVersion", ObjectMissing),
        ("404", ObjectMissing),
        ("PreconditionFailed", ObjectMissing),
        ("412", ObjectMissing),
        ("AccessDenied", AccessDenied),
        ("403", AccessDenied),
        ("InternalError", StorageFailed),
        ("InvalidArgument", StorageFailed),
    ],
)
def test_code_decides_on_the_error_which_names_no_key(code: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught, anonymous_errors(boto3.client("s3")):
        raise refused(code)
    assert type(caught.value) is error
    assert "Jane" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_further_codes_can_mean_that_the_object_is_missing() -> None:
    with pytest.raises(ObjectMissing), anonymous_errors(boto3.client("s3"), ("InvalidArgument",)):
        raise refused("InvalidArgument")


def test_unreachable_storage_names_no_key() -> None:
    with pytest.raises(StorageFailed, match=r"^ReadTimeoutError$"), anonymous_errors(boto3.client("s3")):
        raise ReadTimeoutError(endpoint_url=f"https://s3/{KEY}")


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match="mine"), anonymous_errors(boto3.client("s3")):
        raise ValueError("mine")


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "409"])
def test_conditional_write_fails_because_of_another_writer(code: str) -> None:
    with pytest.raises(ObjectChanged), conditional(), anonymous_errors(boto3.client("s3")):
        raise refused(code)


def test_conditional_write_can_fail_for_other_reasons() -> None:
    with (
        pytest.raises(StorageFailed, match="InternalError"),
        conditional(),
        anonymous_errors(boto3.client("s3")),
    ):
        raise refused("InternalError")
    with pytest.raises(AccessDenied), conditional(), anonymous_errors(boto3.client("s3")):
        raise refused("AccessDenied")
