"""Look at a data set before training on it: `python -m training.prepare --task TASK --data FOLDER`.

Lists, reads, cleans and splits the images exactly as a training does, prints what was found, and writes the
report (data.md), the manifest, the findings (data.json) and a sheet of images to `--output`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from training.arguments import Parser, find_task
from training.data.preparation import PreparedData, prepare_data, summary
from training.errors import TrainingError


def prepare(options: argparse.Namespace) -> PreparedData:
    """Prepare the data that the command line names, print the summary and write the report.

    Raises:
        TrainingError: if the data do not allow training; the message says what is missing.
    """
    task = find_task(options.task)
    with tempfile.TemporaryDirectory() as workplace:
        data = prepare_data(
            options.data,
            options.dataset or task.name,
            task,
            options.split_seed,
            Path(workplace),
            labels=options.labels,
            layout=options.layout,
            min_confidence=options.min_confidence,
            near_duplicates=options.near_duplicates,
            test_split=options.test_split,
        )
        print(summary(data, task.class_names))
        data.write_report(options.output)
    return data


def _parser() -> Parser:
    parser = Parser(
        prog="training.prepare", description="Check and split labelled images.", allow_abbrev=False
    )
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    parser.add_argument(
        "--data",
        required=True,
        help="labelled images: a folder or s3://BUCKET/PREFIX, or a Ground Truth output manifest",
    )
    parser.add_argument("--dataset", help="entry of datasets.toml that describes the data (the task's name)")
    parser.add_argument(
        "--labels", help="Ground Truth output manifest that adds to the data and corrects them"
    )
    parser.add_argument("--layout", help="how the folder is laid out, an entry of layouts.toml (found out)")
    parser.add_argument(
        "--min-confidence", type=float, default=0.0, help="what a Ground Truth label needs to be used (0)"
    )
    parser.add_argument(
        "--near-duplicates",
        type=float,
        help="correlation above which images count as one patient's, 0: never (as datasets.toml says)",
    )
    parser.add_argument(
        "--test-split",
        choices=("own", "given"),
        help="draw a test part, or keep the one that comes with the data (as datasets.toml says)",
    )
    parser.add_argument("--split-seed", type=int, default=0, help="seed of the split (0)")
    parser.add_argument("--output", type=Path, help="where the report goes (.local/training/TASK/data)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether the data can be trained on."""
    try:
        options = _parser().parse(argv)
        options.output = options.output or Path(".local", "training", options.task, "data")
        prepare(options)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"report: {options.output / 'data.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
