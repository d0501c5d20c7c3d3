"""Write the selected results of an exported table to one file, CSV or Parquet.

`python -m training.export_results --table FOLDER --request FILE --output FOLDER`

`--table` holds what DynamoDB's export to S3 has written, `--request` what was asked of the export. The file
results.csv or results.parquet has a row for each result, in no order; summary.json says how many there are.
The memory needed does not depend on their number: each processor converts a batch of lines at a time.
"""

import argparse
import csv
import gzip
import io
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from chalicelib.exports.columns import Kind, Value, cell, columns, row
from chalicelib.exports.request import SUMMARY, ExportRequest
from chalicelib.exports.table_export import results
from training.arguments import Parser
from training.errors import TrainingError

BATCH = 5000
"""Lines that a process converts at a time: some 20 MB."""
ROW_GROUP = 100_000
"""Rows of a group in a Parquet file, at least: readers take one in at a time. Some 50 MB."""
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}
Lines = Sequence[bytes]
T = TypeVar("T")


def export_results(table: Path, request: ExportRequest, output: Path) -> int:
    """Write the file and its summary into the folder `output`; returns the number of rows.

    Raises:
        TrainingError: if the folder holds no exported table, or something that DynamoDB does not write.
    """
    files = sorted(table.rglob("*.json.gz"))
    if not files:
        raise TrainingError(f"There is no exported table in {table}.")
    output.mkdir(parents=True, exist_ok=True)
    file = output / request.file
    write = _write_csv if request.format == "csv" else _write_parquet
    try:
        rows = write(file, request, _batches(files))
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise TrainingError(f"The exported table cannot be read: {error}") from error
    (output / SUMMARY).write_text(json.dumps({"rows": rows, "bytes": file.stat().st_size}))
    return rows


def _batches(files: Sequence[Path]) -> Iterator[Lines]:
    for file in files:
        with gzip.open(file) as lines:
            while batch := list(islice(lines, BATCH)):
                yield batch


def _in_parallel(convert: Callable[[Lines], T], batches: Iterator[Lines]) -> Iterator[T]:
    """What `convert` makes of each batch, in their order, with a process for each processor.

    Only as many batches as keep them busy are read ahead.
    """
    processors = len(os.sched_getaffinity(0))
    waiting: deque[Future[T]] = deque()
    # A forked process would inherit locks of pyarrow's threads.
    with ProcessPoolExecutor(processors, get_context("spawn")) as pool:
        for batch in batches:
            waiting.append(pool.submit(convert, batch))
            if len(waiting) > 2 * processors:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_csv(file: Path, request: ExportRequest, batches: Iterator[Lines]) -> int:
    rows = 0
    with file.open("wb") as target:
        header, _ = _csv([], request, header=True)
        target.write(header)
        for text, count in _in_parallel(partial(_csv, request=request), batches):
            target.write(text)
            rows += count
    return rows


def _csv(lines: Lines, request: ExportRequest, header: bool = False) -> tuple[bytes, int]:
    """The selected results among `lines` as RFC 4180, and how many they are."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns(request.selection.task), extrasaction="ignore")
    if header:
        writer.writeheader()
    count = 0
    for result in results(lines, request.selection):
        writer.writerow({name: cell(value) for name, value in row(result).items()})
        count += 1
    return text.getvalue().encode(errors="replace"), count


def _write_parquet(file: Path, request: ExportRequest, batches: Iterator[Lines]) -> int:
    rows = 0
    group: list[pa.RecordBatch] = []
    with pq.ParquetWriter(file, _schema(request), compression="zstd") as target:
        for batch in _in_parallel(partial(_record_batch, request=request), batches):
            rows += batch.num_rows
            group.append(batch)
            if sum(one.num_rows for one in group) >= ROW_GROUP:
                target.write_table(pa.Table.from_batches(group))
                group.clear()
        if group:
            target.write_table(pa.Table.from_batches(group))
    return rows


def _record_batch(lines: Lines, request: ExportRequest) -> pa.RecordBatch:
    """The selected results among `lines`, one row for each."""
    schema = _schema(request)
    rows = [row(result) for result in results(lines, request.selection)]
    arrays = [_array([one.get(field.name) for one in rows], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: list[Value], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold
        texts = [value and str(value).encode(errors="replace").decode() for value in values]
        return pa.array(texts, kind)


def _schema(request: ExportRequest) -> pa.Schema:
    return pa.schema([(name, TYPES[kind]) for name, kind in columns(request.selection.task).items()])


def _parser() -> Parser:
    parser = Parser(
        prog="training.export_results",
        description="Write the selected results of an exported table to one file.",
        allow_abbrev=False,
    )
    parser.add_argument("--table", type=Path, required=True, help="folder of DynamoDB's export")
    parser.add_argument("--request", type=Path, required=True, help="what was asked of the export, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="folder for the file and summary.json")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a file."""
    try:
        options: argparse.Namespace = _parser().parse(argv)
        request = ExportRequest.parse(options.request.read_text())
        rows = export_results(options.table, request, options.output)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{rows} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
