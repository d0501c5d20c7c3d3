"""Deletes what is stored of images whose results were deleted, with all versions that the bucket keeps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain

from chalicelib.results import result_document
from chalicelib.results.result_document import Result
from chalicelib.storage.bucket import DataBucket, ObjectVersion
from chalicelib.storage.inbox import INBOX, InboxObject, picture_prefix, prepared_key

MAX_VERSIONS = 1_000_000
"""Files of one task's folder, among which the originals are found in about two minutes."""


class InboxTooLarge(Exception):
    """A folder of the inbox has too many files to find the originals of deleted images."""


def prefixes(result: Result) -> tuple[str, ...]:
    """What the keys of everything begin with that is stored under an image's id, except its document.

    Add here whatever else is stored of an image. Its heat map is in the document, whose earlier versions are
    deleted, too.
    """
    task, image_id = result["task"], result["id"]
    pictures = picture_prefix(task, image_id)
    return (prepared_key(task, image_id), pictures, f"quarantine/{task}/{image_id}")


def purge(bucket: DataBucket, result: Result, originals: Iterable[ObjectVersion], before: datetime) -> None:
    """Delete everything that is stored of a deleted image but the document that says so. Can be repeated.

    Args:
        bucket: the data bucket.
        result: what is left of the result.
        originals: the versions of the image's file in the inbox.
        before: what was stored later stays: the image is being sent again.
    """
    stored = chain.from_iterable(map(bucket.versions, prefixes(result)))
    earlier = (one for one in bucket.versions(result_document.key(result)) if not one.latest)
    for version in (*stored, *earlier, *originals):
        if version.time < before:
            bucket.delete_version(version)


def originals(bucket: DataBucket, results: Sequence[Result]) -> dict[str, list[ObjectVersion]]:
    """The versions of the files of deleted images in the inbox, by the ids of the images.

    The id of an image is derived from the key of its file, but the key cannot be found from the id: the
    folder is listed.

    Raises:
        InboxTooLarge: if a folder has too many files.
    """
    found: dict[str, list[ObjectVersion]] = defaultdict(list)
    for task in {result["task"] for result in results}:
        dropped = [one for one in results if one["arrival"] in ("upload", "drop-folder")]
        wanted = {one["id"] for one in dropped if one["task"] == task}
        folder = INBOX if task == result_document.UNKNOWN_TASK else f"{INBOX}{task}/"
        for number, version in enumerate(bucket.versions(folder) if wanted else ()):
            if number >= MAX_VERSIONS:
                raise InboxTooLarge(
                    "move files that are done out of the inbox, or delete the originals by hand"
                )
            if version.etag and (image_id := _image_id(bucket, version, version.etag)) in wanted:
                found[image_id].append(version)
    return found


def _image_id(bucket: DataBucket, version: ObjectVersion, etag: str) -> str:
    return InboxObject(bucket.name, version.key, etag, size=0, version_id=version.version_id).id
