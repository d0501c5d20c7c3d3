"""Check a data set before training: `python -m training.prepare --task TASK --data FOLDER`.

Lists, reads, cleans and splits the images exactly as training does, prints the findings, and writes the
report (data.md), the manifest, the findings (data.json) and a contact sheet to `--output`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from training.arguments import Parser, data_location, data_reading, find_task
from training.data.files import write_arrays, write_files
from training.data.preparation import PreparedData, prepare_data
from training.data.report import render_summary
from training.errors import TrainingError
from training.evaluation.transform import ARRAYS
from training.options import add_data_options, add_split_options


def prepare(options: argparse.Namespace) -> PreparedData:
    """Prepare the data, print the summary and write the report.

    Raises:
        TrainingError: if the data do not allow training; the message says what is missing.
    """
    task = find_task(options.task)
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
        )
        print(render_summary(data))
        write_files(data, options.output)
        if options.arrays:
            write_arrays(data, options.output / ARRAYS)
    return data


def prepare_parser() -> Parser:
    """The parser of the command line."""
    parser = Parser(
        prog="training.prepare", description="Check and split labelled images.", allow_abbrev=False
    )
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    add_data_options(parser)
    add_split_options(parser)
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
        prepare(options)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"report: {options.output / 'data.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
