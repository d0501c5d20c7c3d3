"""S3 of the emulator: condition keys of writes, and notifications that are parsed once."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3

from local.aws import patching

Context = Callable[[str, dict[str, Any], str, dict[str, str]], dict[str, Any]]

ENCRYPTION = "x-amz-server-side-encryption"
HEADERS = ("if-match", "if-none-match", f"{ENCRYPTION}-aws-kms-key-id")
"""Headers of PutObject that policies can ask for besides those that ministack knows. (Service authorization
reference, "Condition keys for Amazon S3".)"""

MAX_NOTIFICATIONS = 100
"""Configurations of buckets' notifications that are remembered."""


def install() -> None:
    """Tell policies which condition a write has, and which key encrypts it; do not parse XML for each write.

    Can go when ministack passes tests/unit/local/aws/test_s3.py without it.
    """
    patching.wrap(iam_actions, "_s3_object_context", _with_conditions)
    patching.wrap(s3, "_parse_notification_config_raw", lru_cache(MAX_NOTIFICATIONS))


def _with_conditions(find_context: Context) -> Context:
    def find(action: str, query: dict[str, Any], path: str, headers: dict[str, str]) -> dict[str, Any]:
        context = find_context(action, query, path, headers)
        if action == "s3:PutObject":
            context |= {f"s3:{name}": headers[name] for name in HEADERS if headers.get(name)}
            if "uploadId" in query:
                # The upload's own request has been checked; its parts name no key.
                context.pop(f"s3:{ENCRYPTION}", None)
        return context

    return find
