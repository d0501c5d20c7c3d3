"""The split of an earlier preparation, which is kept while the data set grows."""

from dataclasses import replace

from training.data.dataset import Listing
from training.data.manifest import read_parts
from training.data.pixels import PreparedImages
from training.data.storage import Storage


def mark_earlier(storage: Storage, address: str, listing: Listing, images: PreparedImages) -> Listing:
    """The listing with the parts of an earlier manifest; images that are not in it have no part.

    Images are identified by their content, whatever their path and label, and by that of their copies, which
    may be saved in another format.

    Raises:
        TrainingError: if the manifest cannot be read or was not written by a preparation.
    """
    listed = read_parts(storage, address)
    digests = list(zip(images.digests, images.contents, strict=True))
    of_copies = {content: listed[digest] for digest, content in digests if digest in listed}
    part_of = of_copies | listed
    records = tuple(
        replace(record, given=part_of.get(digest, part_of.get(content, "")))
        for record, (digest, content) in zip(listing.records, digests, strict=True)
    )
    how = f"{listing.how}; parts of earlier images from {address}"
    return replace(listing, records=records, how=how)
