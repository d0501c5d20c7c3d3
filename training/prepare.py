"""Check a data set before training: `python -m training.prepare --task TASK --data FOLDER`.

Lists, reads, cleans and splits the images exactly as training does, prints the findings, and writes the
report (data.md), the manifest, the findings (data.json) and a contact sheet to `--output`. On several hosts,
where `training.launch` starts it, each reads a share of the images, and the first writes.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chalicelib.errors import NegatoscopeError
from chalicelib.hyperparameters import check_values
from training.arguments import Parser, check_output, data_location, data_reading, find_task
from training.core.hosts import ALONE, Hosts
from training.data.files import write_arrays, write_files
from training.data.preparation import PreparedData, prepare_data
from training.data.report import render_summary
from training.evaluation.transform import ARRAYS
from training.options import add_data_options, add_split_options, add_stream_option


def prepare(options: argparse.Namespace, hosts: Hosts = ALONE) -> PreparedData:
    """Prepare the data; the first host prints the summary and writes the report.

    Raises:
        TrainingError: if the data do not allow training; the message says what is missing.
    """
    task = find_task(options.task)
    check_output(options.output)
    with tempfile.TemporaryDirectory() as workplace:
        data = prepare_data(
            data_location(options, task),
            options.dataset or task.name,
            task,
            options.split_seed,
            Path(workplace),
            **data_reading(options),
            test_split=options.test_split,
            earlier=options.earlier,
            leave_out=options.leave_out,
            stream=options.stream,
            hosts=hosts,
        )
        if hosts.is_first:
            print(render_summary(data))
            write_files(data, options.output)
            if options.arrays:
                write_arrays(data, options.output / ARRAYS)
    return data


@contextmanager
def joined_hosts() -> Iterator[Hosts]:
    """The hosts of the job, if it has several."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE
        return
    from training.model import parallel  # it imports torch, which takes seconds

    with parallel.processes():
        yield parallel.reading_hosts()


def prepare_parser() -> Parser:
    """The parser of the command line."""
    parser = Parser(
        prog="training.prepare", description="Check and split labelled images.", allow_abbrev=False
    )
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    add_data_options(parser)
    add_split_options(parser)
    add_stream_option(parser)
    parser.add_argument("--split-seed", type=int, default=0, help="seed of the split (0)")
    parser.add_argument(
        "--arrays", action="store_true", help="also write the test part as arrays, for a transform job"
    )
    parser.add_argument("--output", type=Path, help="folder for the report (.local/training/TASK/data)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether the data allow training."""
    try:
        options = prepare_parser().parse(argv)
        options.output = options.output or Path(".local", "training", options.task, "data")
        check_values({"split_seed": options.split_seed})
        with joined_hosts() as hosts:
            prepare(options, hosts)
    except NegatoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if hosts.is_first:
        print(f"report: {options.output / 'data.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
