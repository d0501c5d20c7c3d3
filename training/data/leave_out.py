"""Leave one source out: its images become the test part, which shows how a model does on a new source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from training.data.dataset import Listing, Record, attributes
from training.data.listing import Location, data_folder
from training.data.storage import absolute, join, relative
from training.errors import TrainingError

FOLDER = "folder"
"""Attribute of every image whose value is the folder of `--data` that holds it."""
MAX_VALUES = 20
"""Values that an error lists."""


@dataclass(frozen=True)
class LeftOut:
    """The source that is left out of training and validation."""

    attribute: str
    value: str
    unknown: int
    """Images of which the attribute is unknown, as listed; they are not left out."""

    def describe(self, sizes: dict[str, int], removed: int) -> str:
        """The test part in words, with its `sizes` by class and the number of images `removed` for it."""
        absent = [name for name, size in sizes.items() if not size]
        text = (
            f"Left out: the test part is the {sum(sizes.values())} images with {self.attribute} = "
            f"{self.value}; none of them is in training or validation, and {removed} other images of their "
            "groups (patients) were removed from both."
        )
        if absent:
            text += f" The test part has no image of {', '.join(absent)}."
        if self.unknown:
            text += f" {self.unknown} listed images have no {self.attribute} and were not left out."
        return text


def mark_left_out(
    listing: Listing, location: Location, asked: str, class_names: Sequence[str]
) -> tuple[Listing, LeftOut]:
    """Mark the images with the attribute and value in `asked` (ATTRIBUTE=VALUE) as the test part.

    No other image has a part.

    Raises:
        TrainingError: if the attribute or value is unknown, or the other images lack a class.
    """
    attribute, equals, value = (word.strip() for word in asked.partition("="))
    if not (attribute and equals and value):
        raise TrainingError(f"--leave-out needs ATTRIBUTE=VALUE, not '{asked}'.")
    find_value = _reader(listing, location, attribute)
    values = [find_value(record) for record in listing.records]
    if value not in values:
        raise TrainingError(
            f"No image has {attribute}={value}. Values of {attribute}: {_list_values(set(values) - {''})}."
        )
    records = tuple(
        replace(record, given="test" if found == value else "")
        for record, found in zip(listing.records, values, strict=True)
    )
    present = {record.label for record in outside_test(records)}
    missing = [name for label, name in enumerate(class_names) if label not in present]
    if missing:
        raise TrainingError(
            f"Class '{missing[0]}' has no image to train on if {attribute}={value} and the other images of "
            "its groups (patients) are left out. Leave out another source, or add images of that class."
        )
    how = f"{listing.how}; left out for the test: {attribute}={value}"
    return replace(listing, records=records, how=how), LeftOut(attribute, value, values.count(""))


def outside_test(records: Sequence[Record]) -> list[Record]:
    """The records whose group has no image in the given test part."""
    tested = {record.group for record in records if record.given == "test"}
    return [record for record in records if record.group not in tested]


def _reader(listing: Listing, location: Location, attribute: str) -> Callable[[Record], str]:
    """Finds the value of the attribute; a column called folder goes before the folders of `--data`."""
    known = attributes(listing.records)
    if attribute in known:
        return lambda record: dict(record.attributes).get(attribute, "")
    if attribute != FOLDER:
        raise TrainingError(
            f"The images have no attribute '{attribute}'. Known: {', '.join([*known, FOLDER])}."
        )
    names = _name_folders(listing, location)
    common = absolute(listing.folder)

    def find_folder(record: Record) -> str:
        address = join(common, record.path)
        return next((name for folder, name in names.items() if address.startswith(f"{folder}/")), "")

    return find_folder


def _name_folders(listing: Listing, location: Location) -> dict[str, str]:
    """The name of each folder of `--data`: its last component, or more of its path if others share that."""
    folders = list(dict.fromkeys(absolute(data_folder(place)) for place in location.places))
    last = [folder.rpartition("/")[2] for folder in folders]
    if len(set(last)) == len(last):
        return dict(zip(folders, last, strict=True))
    return {folder: relative(folder, absolute(listing.folder)) for folder in folders}


def _list_values(values: set[str]) -> str:
    more = len(values) - MAX_VALUES
    return ", ".join([*sorted(values)[:MAX_VALUES], *([f"and {more} more"] if more > 0 else [])])
