"""Rebuild the results table from `results/*.json`: `python .chalice/restore.py STAGE`.

Safe to repeat, also while the stage is at work: what the table knows already, or in a later revision, stays.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a script's own folder is all that is there

import stage as stages
from progress import say, step

from chalicelib.decisions import restore
from chalicelib.storage import DataBucket, StorageFailed
from chalicelib.table import ResultsTable

THREADS = 16


def main() -> None:
    """Restore everything, or end with a sentence that says what went wrong."""
    parser = argparse.ArgumentParser(
        description="Rebuild the results table from the documents in the bucket."
    )
    parser.add_argument("stage", help="name of the installation, for example prod")
    settings = stages.variables(parser.parse_args().stage)
    if "DATA_BUCKET" not in settings:
        sys.exit("This stage has not been deployed from here: .chalice/config.json does not know it.")
    try:
        documents, written = rebuild(settings["DATA_BUCKET"], settings["RESULTS_TABLE"])
    except (ClientError, BotoCoreError, StorageFailed) as error:
        sys.exit(f"Stopped: {error}\nThe same command goes on from here.")
    step(f"{documents} documents read, {written} results written; the table had the others already")


def rebuild(bucket_name: str, table_name: str) -> tuple[int, int]:
    """Write what is missing in the table: how many documents there are, and how many were written."""
    # Each thread takes one connection; botocore's own default is ten.
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 8})
    bucket = DataBucket(boto3.client("s3", config=config), bucket_name)
    table = ResultsTable(boto3.resource("dynamodb", config=config), table_name)
    documents = written = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for keys in _batches(bucket.keys("results/")):
            outcomes = list(threads.map(lambda key: restore(bucket, table, key), keys))
            documents += len(outcomes)
            written += sum(outcomes)
            say(f"{documents} read, {written} written")
    return documents, written


def _batches(keys: Iterator[str], size: int = 1000) -> Iterator[list[str]]:
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    main()
