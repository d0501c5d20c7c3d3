"""Finds pictures and arrays of images that have no result: once a month, and a part at a time.

A request that ends before it has stored its result leaves them, and nothing else points to them. Ten million
images with two objects each take 20,000 list requests and 10 million reads of the table a month, about 2 USD.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from chalicelib.pipeline.listing import Listing
from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket, ObjectVersion
from chalicelib.storage.inbox import PICTURES, PREPARED, parse_image_key

MIN_AGE = timedelta(days=15)
"""Lost events can be sent again for 14 days, and need the array."""
PAUSE = timedelta(days=30)
"""From the start of one pass to that of the next."""
PAGES = 20
"""Pages of a thousand versions that one run lists of each prefix, with a read of the table for each image."""


@dataclass(frozen=True)
class Leftovers:
    """Lists what is stored beside results for images that have none."""

    bucket: DataBucket
    table: ResultsTable

    def run(self, moment: datetime) -> Iterator[ObjectVersion]:
        """What can be deleted in the next part of the bucket.

        A version is named, so that an image that is sent again meanwhile keeps what it stores.

        Args:
            moment: the current time, with time zone.
        """
        for prefix in (PICTURES, PREPARED):
            listing = Listing(self.bucket, prefix.rstrip("/"), PAGES, PAUSE, PAUSE)
            for page in listing.run(moment, partial(self.bucket.version_pages, prefix)):
                yield from self._without_result([one for one in page if moment - one.time >= MIN_AGE])

    def _without_result(self, versions: list[ObjectVersion]) -> Iterator[ObjectVersion]:
        images = {one: image for one in versions if one.etag and (image := parse_image_key(one.key))}
        known = self.table.progress([image_id for _, image_id in images.values()])
        # The table may have been lost, and not be restored yet: the documents are what counts.
        unknown = {image for image in images.values() if image[1] not in known}
        left = {image for image in unknown if not self._has_document(*image)}
        yield from (one for one, image in images.items() if image in left)

    def _has_document(self, task: str, image_id: str) -> bool:
        return self.bucket.exists(result_document.key_of(task, image_id))
