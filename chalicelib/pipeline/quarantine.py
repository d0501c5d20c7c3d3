"""Where files go that cannot be used: out of the inbox, each beside the reason why."""

from contextlib import suppress

from chalicelib.results.result_document import Result
from chalicelib.storage.bucket import MAX_KEY_BYTES, DataBucket, ObjectMissing
from chalicelib.storage.inbox import Arrival


def move(bucket: DataBucket, arrival: Arrival, result: Result) -> None:
    """Move a file from the inbox into quarantine; repeating it finishes what was left undone.

    Args:
        bucket: that the file lies in.
        arrival: the file. It may be gone, or another may stand in its place, which is not touched.
        result: says why.
    """
    folder = f"quarantine/{result['task']}/{arrival.id}"
    etag = _copy(bucket, arrival, folder)
    bucket.write_json(f"{folder}.json", {"reasons": result["reasons"]})
    if etag:
        with suppress(ObjectMissing):
            bucket.delete(arrival.key, etag)


def _copy(bucket: DataBucket, arrival: Arrival, folder: str) -> str | None:
    """Copy a file into `folder`, and return its ETag if it is still in the inbox."""
    room = MAX_KEY_BYTES - len(f"{folder}/")
    target = f"{folder}/{arrival.name.encode()[-room:].decode(errors='ignore')}"
    with suppress(ObjectMissing):
        etag = arrival.version or bucket.etag(arrival.key)
        bucket.copy(arrival.key, target, etag)
        return etag
    with suppress(ObjectMissing):
        if arrival.version and arrival.version_id:
            bucket.copy(arrival.key, target, version_id=arrival.version_id)
    return None
