"""The split of an earlier preparation, which stays as it is while the data set grows."""

import csv
from dataclasses import replace

from training.data.dataset import Listing
from training.data.pixels import PreparedImages
from training.data.split import PARTS
from training.data.storage import Storage
from training.errors import TrainingError


def mark_earlier(storage: Storage, address: str, listing: Listing, images: PreparedImages) -> Listing:
    """The listing in which each image that an earlier manifest knows has the part it has there, others none.

    Images are known by their content, wherever they lie and whatever their label is by now.

    Raises:
        TrainingError: if the manifest cannot be read or was not written by a preparation.
    """
    part_of = {}
    reader = csv.DictReader(storage.lines(address))
    missing = sorted({"sha256", "part"} - set(reader.fieldnames or ()))
    if missing:
        raise TrainingError(f"{address} lacks the column '{missing[0]}': no preparation wrote it.")
    for line in reader:
        if line["part"] not in PARTS:
            raise TrainingError(f"{address}, line {reader.line_num}: '{line['part']}' is no part.")
        part_of[line["sha256"]] = line["part"]
    records = tuple(
        replace(record, given=part_of.get(digest.hex(), ""))
        for record, digest in zip(listing.records, images.digests, strict=True)
    )
    how = f"{listing.how}; parts of images that were there earlier from {address}"
    return replace(listing, records=records, how=how)
