"""How failed or interrupted commands end: with a sentence that says what to do."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.storage.errors import StorageFailed
from deploy.stacks import DeployError

_RENEW = "Sign in again, for example with `aws sso login`, or renew the keys."
_ADVICE = (
    (
        ("NoCredentialsError", "PartialCredentialsError"),
        "Sign in with `aws sso login` or `aws configure`, and name the profile with AWS_PROFILE; or set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
    (
        ("ProfileNotFound",),
        "`aws configure list-profiles` lists those that exist. Name one with AWS_PROFILE.",
    ),
    (
        ("NoRegionError", "InvalidRegionError"),
        "Name a region of AWS, for example with AWS_DEFAULT_REGION=eu-central-1.",
    ),
    (
        (
            *("AuthFailure", "CredentialRetrievalError", "ExpiredToken", "ExpiredTokenException"),
            *("InvalidAccessKeyId", "InvalidClientTokenId", "SSOError", "SignatureDoesNotMatch"),
            *("TokenRetrievalError", "UnrecognizedClientException"),
        ),
        _RENEW,
    ),
    (
        ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        "These credentials lack a permission. Use those of an administrator.",
    ),
    (
        ("ConnectionError", "HTTPClientError"),
        "Check the connection to the internet, the name of the region and, if it is set, AWS_ENDPOINT_URL.",
    ),
)
"""What to do, by the names of errors: classes of botocore and codes of AWS."""


@contextmanager
def reported(
    failed: str, *others: type[Exception], rest: Callable[[], Sequence[str]] = lambda: ()
) -> Iterator[None]:
    """Exit with 1 and a message if the context fails or is stopped.

    Args:
        failed: beginning of the message, such as "Not deployed."
        others: errors with messages for the user, besides those of this package, of AWS and of the storage.
        rest: makes further sentences, such as how to go on.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit("\n".join((f"{failed} It was stopped.", *rest())))
    except (DeployError, ClientError, BotoCoreError, StorageFailed, *others) as error:
        sys.exit("\n".join((f"{failed} {explained(error)}", *rest())))


def explained(error: Exception) -> str:
    """The message of an error and, if it is about credentials, region or connection, what to do."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    text, names = str(error), _names(error)
    advice = next((advice for known, advice in _ADVICE if names & {*known}), "")
    return f"{text.rstrip('.')}. {advice}" if advice else text


def _names(error: Exception) -> set[str]:
    """The code of AWS in an error, or the names of its classes."""
    if isinstance(error, ClientError):
        return {str(error.response["Error"].get("Code"))}
    if isinstance(error, StorageFailed):
        return {str(error).rpartition(": ")[2]}  # it quotes the code or the class
    return {one.__name__ for one in type(error).__mro__}
