"""Moves unusable files out of the inbox, each with the reason."""

from contextlib import suppress

from chalicelib.results.result_document import Result
from chalicelib.storage.bucket import MAX_KEY_BYTES, DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import InboxObject

MAX_BYTES = 1024**3
"""Larger files stay in the inbox: S3 copies about 100 MB a second, and Lambdas have minutes."""


def move(bucket: DataBucket, original: InboxObject, result: Result) -> None:
    """Move a file from the inbox to quarantine. Repeating it finishes an interrupted move.

    Args:
        bucket: the data bucket.
        original: the file. If it has been removed or replaced, or has more than `MAX_BYTES`, the inbox is
            left unchanged.
        result: the result with the reasons.
    """
    folder = f"quarantine/{result['task']}/{original.id}"
    etag = _copy(bucket, original, folder) if original.size <= MAX_BYTES else None
    bucket.write_json(f"{folder}.json", {"reasons": result["reasons"]})
    if etag:
        with suppress(ObjectMissing):
            bucket.delete(original.key, etag)


def _copy(bucket: DataBucket, original: InboxObject, folder: str) -> str | None:
    """Copy a file into `folder`, and return its ETag if it is still in the inbox."""
    room = MAX_KEY_BYTES - len(f"{folder}/")
    target = f"{folder}/{original.name.encode()[-room:].decode(errors='ignore')}"
    with suppress(ObjectMissing):
        etag = original.version or bucket.etag(original.key)
        bucket.copy(original.key, target, etag)
        return etag
    with suppress(ObjectMissing):
        if original.version and original.version_id:
            bucket.copy(original.key, target, version_id=original.version_id)
    return None
