"""What can go wrong in the data bucket, without the keys that S3's own messages quote."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError

_MISSING = ("NoSuchKey", "NoSuchVersion", "404", "PreconditionFailed", "412")
NO_VERSION = ("InvalidArgument", "400")
"""S3's codes for a version that has never existed."""
_CONFLICTS = ("ConditionalRequestConflict", "409")
"""S3's codes for a conditional write during another write of the same object."""
_DENIED = ("AccessDenied", "403")


class ObjectMissing(Exception):
    """There is no such object (any more)."""


class ObjectChanged(Exception):
    """The object is not the one that the writer expected: it was created, replaced or deleted."""


class StorageFailed(Exception):
    """S3 refused a request unexpectedly, or could not be reached."""


class AccessDenied(StorageFailed):
    """S3 denied access. To a role that may not list the bucket it says this of a missing object, too."""


@contextmanager
def anonymous_errors(client: Any, missing: tuple[str, ...] = ()) -> Iterator[None]:
    """Replace S3's errors: they quote the key, which may name a patient, and Lambda logs what is raised.

    Args:
        client: a boto3 S3 client.
        missing: further error codes that mean `ObjectMissing`.
    """
    try:
        yield
    except client.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING or code in missing:
            raise ObjectMissing from None
        failure = AccessDenied if code in _DENIED else StorageFailed
        raise failure(f"{error.operation_name}: {code}") from None
    except BotoCoreError as error:
        raise StorageFailed(type(error).__name__) from None


@contextmanager
def conditional() -> Iterator[None]:
    """Raise ObjectChanged if a conditional write fails because of another writer."""
    try:
        yield
    except ObjectMissing:
        raise ObjectChanged from None
    except StorageFailed as error:
        if str(error).endswith(_CONFLICTS):
            raise ObjectChanged from None
        raise
