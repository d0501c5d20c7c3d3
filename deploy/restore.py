"""Make the results table and the documents agree again: `python -m deploy.restore STAGE`.

Results that the table lacks are written from `results/*.json`, and missing documents from the table. If the
table was deleted, it is created first. Safe to repeat, also while the stage is in use: entries of the same or
a later revision stay.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import boto3
from botocore.config import Config

from chalicelib.results.decisions import Decisions, NotADocument, restore
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectChanged, ObjectMissing
from deploy import failures, results_table, stages
from deploy.progress import say, step

THREADS = 16


@dataclass
class Report:
    """Counts of a run."""

    documents: int = 0
    written: int = 0
    """Results written into the table."""
    replaced: int = 0
    """Documents written from the table."""
    unreadable: list[str] = field(default_factory=list)
    """Keys under `results/` of objects that are not documents of results."""


def main() -> None:
    """Run the command; exit with a message if it fails."""
    parser = argparse.ArgumentParser(
        description="Rebuild the results table from the bucket's documents, and documents from the table."
    )
    parser.add_argument("stage", help="name of the installation, for example prod")
    stage = parser.parse_args().stage
    with failures.reported("Not done.", rest=lambda: ["The same command continues from here."]):
        settings = stages.deployed(stage)
        results_table.ensure(stage, settings["RESULTS_TABLE"])
        report = run(*connect(settings["DATA_BUCKET"], settings["RESULTS_TABLE"]))
    step(
        f"{report.documents} documents read, {report.written} results written into the table, "
        f"{report.replaced} documents written from the table; the rest existed already"
    )
    if report.unreadable:
        listed = "\n".join(f"    {key}" for key in report.unreadable)
        sys.exit(
            f"{len(report.unreadable)} objects are not documents of results and were left alone. Bring "
            f"earlier versions back, or delete them:\n{listed}"
        )


def connect(bucket: str, table: str) -> tuple[DataBucket, ResultsTable]:
    """The bucket and the table, with enough connections for all threads."""
    # Each thread uses one connection; botocore's default is ten.
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 8})
    return (
        DataBucket(boto3.client("s3", config=config), bucket),
        ResultsTable(boto3.resource("dynamodb", config=config), table),
    )


def run(bucket: DataBucket, table: ResultsTable) -> Report:
    """Write the results that the table lacks, then the documents that the bucket lacks."""
    report, seen = Report(), set[bytes]()
    with ThreadPoolExecutor(THREADS) as threads:
        for keys in _batches(bucket.keys("results/")):
            for key, outcome in zip(
                keys, threads.map(lambda key: _restore(bucket, table, key), keys), strict=True
            ):
                if outcome is None:
                    report.unreadable.append(key)
                else:
                    report.documents += 1
                    report.written += outcome
                    seen.add(_digest(key))
            say(f"{report.documents} read, {report.written} written")
        decisions = Decisions(bucket, table)
        missing = (image_id for image_id in table.finished() if bytes.fromhex(image_id) not in seen)
        for ids in _batches(missing):
            report.replaced += sum(threads.map(lambda image_id: _replace(decisions, image_id), ids))
    return report


def _digest(key: str) -> bytes:
    """The image id in a document's key, as bytes to save memory: there may be ten million."""
    return bytes.fromhex(key.rpartition("/")[2].removesuffix(".json"))


def _restore(bucket: DataBucket, table: ResultsTable, key: str) -> bool | None:
    """Whether a document's result was written into the table; None if the object is not a document."""
    try:
        return restore(bucket, table, key)
    except NotADocument:
        return None
    except ObjectMissing:
        return False  # deleted after it was listed


def _replace(decisions: Decisions, image_id: str) -> bool:
    """Whether a missing document was written; one that was created in the meantime stays."""
    with suppress(ObjectChanged):
        return decisions.repair(image_id)
    return False


def _batches(values: Iterator[str], size: int = 1000) -> Iterator[list[str]]:
    batch: list[str] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    main()
