"""What grows with the number of stored images: dollars, bytes, and how long passes over all of them take."""

from benchmarks.section import Section
from chalicelib.batches.estimate import DOLLARS
from chalicelib.batches.estimate import SECONDS as BATCH_SECONDS
from chalicelib.limits import CONCURRENCY
from chalicelib.monitoring.drift_monitor import MAX_ANSWERS
from chalicelib.pipeline import inbox_check, leftovers
from deploy import usage
from deploy.costs import SECONDS, SWEEPS, PriceList, Workload, storage_of_image, table, upkeep

COLUMNS = ("", "time", "$", "note")
TEXT = """\
Arithmetic, not simulation: these passes are alone, and what limits them is the number of requests that they
make one after the other. Prices and assumptions are those of `make cost`."""
KEYS = 1000
"""That a list request of S3 gives at most."""
EXPORT_MINUTES = 8.4
"""For a million rows as Parquet, measured (docs/exports.md)."""
EXPORT_DOLLARS_PER_GB = 0.10
"""Of DynamoDB's export (docs/exports.md)."""
EXPORT_INSTANCE = "ml.m7i.large"
RESTORE_BYTES = 100
"""Of memory for a result (docs/operations.md)."""


def section_of(images: int, prices: PriceList) -> Section:
    """The table for so many stored images."""
    section = Section(f"{images / 1e6:g} million stored images", TEXT, COLUMNS)
    gigabytes = images * prices.assumption("item_kb") / 1e6
    add = section.add
    add(
        "keeping them for a month",
        None,
        images * storage_of_image(prices),
        f"the table has {gigabytes:,.0f} GB, and its indexes {gigabytes * usage.full_indexes():,.0f} GB",
    )
    whole = table(prices, Workload(0, images))["sum"]["embedded"]
    add("a month in which nothing arrives", None, whole, "with everything that a stage costs anyway")
    for name, way in (("classifying them again", "prepared"), ("a first batch of an archive", "decoded")):
        for parts in (CONCURRENCY.default, CONCURRENCY.high):
            seconds = images * BATCH_SECONDS[way] / parts
            add(f"{name}, {parts} parts at a time", duration(seconds), images * DOLLARS[way], "")
    hours = images / 1e6 * EXPORT_MINUTES / 60
    add(
        "an export of all results",
        duration(hours * 3600),
        gigabytes * EXPORT_DOLLARS_PER_GB + hours * prices[EXPORT_INSTANCE],
        "the job, at the measured rate; DynamoDB's copy takes some minutes before",
    )
    pages = images / KEYS
    sweeps = pages / inbox_check.PAGES
    add(
        "the sweep's pass over the inbox",
        duration(sweeps * SECONDS / SWEEPS),
        pages * prices["s3_put"],
        f"{sweeps:,.0f} sweeps; one pass a day",
    )
    add("all sweeps and drift watches of a month", None, upkeep(prices, Workload(0, images)), "")
    add(
        "the search for pictures and arrays without a result",
        duration(pages / leftovers.PAGES * SECONDS / SWEEPS),
        2 * pages * prices["s3_put"],
        "once a month",
    )
    add("the daily look for drift", "as before", None, f"reads the last {MAX_ANSWERS} answers of a task")
    add("a page of a list", "as before", None, "one request for each partition: 1, or 17 in sharded periods")
    one = prices["s3_get"] + prices["dynamodb_read"] + usage.write_units() * prices["dynamodb_write"]
    add(
        "`make restore` of the whole table",
        None,
        images * one,
        f"needs {images * RESTORE_BYTES / 1e9:.1f} GB of memory",
    )
    return section


def duration(seconds: float) -> str:
    """A time in the unit that people would use."""
    for unit, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.0f} seconds"
