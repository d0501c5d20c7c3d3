"""The split of an earlier preparation, which is kept while the data set grows."""

from dataclasses import replace

from training.data.dataset import Listing
from training.data.manifest import read_parts
from training.data.pixels import PreparedImages
from training.data.storage import Storage


def mark_earlier(storage: Storage, address: str, listing: Listing, images: PreparedImages) -> Listing:
    """The listing with the parts of an earlier manifest; images that are not in it have no part.

    Images are identified by their content, whatever their path and label.

    Raises:
        TrainingError: if the manifest cannot be read or was not written by a preparation.
    """
    part_of = read_parts(storage, address)
    records = tuple(
        replace(record, given=part_of.get(digest, ""))
        for record, digest in zip(listing.records, images.digests, strict=True)
    )
    how = f"{listing.how}; parts of earlier images from {address}"
    return replace(listing, records=records, how=how)
