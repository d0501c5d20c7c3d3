"""The options of a training's command line, each with its help."""

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from chalicelib.hyperparameters import ALIASES, Hyperparameters, current_names

READING = ("labels", "layout", "min_confidence", "near_duplicates")
"""Options for reading data: keyword arguments of all functions of `data.preparation`."""


def add_data_options(parser: ArgumentParser) -> None:
    """Add the options for images and how they are read."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        nargs="+",
        type=_named,
        default=[os.environ["SM_CHANNEL_TRAIN"]] if os.environ.get("SM_CHANNEL_TRAIN") else None,
        metavar="FOLDER",
        help="labelled images: a folder or s3://BUCKET/PREFIX with manifest.csv (path, class, group), with a "
        "folder for each class, or a known public data set; or a Ground Truth output manifest. Several "
        "are one data set (the task's folders in NEGATOSCOPE_DATA or ../shared/data)",
    )
    group.add_argument(
        "--dataset", type=_named, help="entry of datasets.toml that describes the data (the task's name)"
    )
    group.add_argument(
        "--labels", type=_named, help="Ground Truth output manifest that adds to the data and corrects them"
    )
    group.add_argument(
        "--layout",
        type=_named,
        help="layout of the folder: an entry of layouts.toml (recognised if not given)",
    )
    group.add_argument(
        "--min-confidence",
        type=_share,
        default=0.0,
        help="lowest confidence with which a Ground Truth label is used",
    )
    group.add_argument(
        "--near-duplicates",
        type=_share,
        help="correlation above which images count as one patient's; 0: never (as datasets.toml says)",
    )


def add_split_options(parser: ArgumentParser) -> None:
    """Add the options for the split."""
    parser.add_argument(
        "--test-split",
        choices=("own", "given", "fixed"),
        help="draw a test part, keep the one that comes with the data, or keep all parts of its manifest "
        "(own or given, as datasets.toml says)",
    )
    parser.add_argument(
        "--earlier",
        type=_named,
        metavar="MANIFEST",
        help="manifest.csv of an earlier preparation: its images keep their parts, and only new groups are "
        "split",
    )
    parser.add_argument(
        "--leave-out",
        metavar="ATTRIBUTE=VALUE",
        help="test on the images of one source, which training and validation do not see: those with this "
        "value of a manifest's column, an attribute of datasets.toml, or folder (the folder of --data)",
    )


def add_stream_option(parser: ArgumentParser, more: str = "") -> None:
    """Add the option for images that do not fit on the disk; its help ends with `more`."""
    parser.add_argument(
        "--stream",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        help=f"read each image whenever it is needed, and keep none on the disk{more}",
    )


def add_place_options(parser: ArgumentParser) -> None:
    """Add the options for folders and files; SageMaker's folders are the defaults."""
    group = parser.add_argument_group("folders and files")
    group.add_argument(
        "--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"), help="folder for the package"
    )
    group.add_argument(
        "--output-dir", type=Path, default=os.environ.get("SM_OUTPUT_DATA_DIR"), help="folder for the reports"
    )
    group.add_argument(
        "--checkpoint-dir",
        type=Path,
        default=_sagemaker_checkpoints(),
        help="folder for the state after every epoch, from which the same command continues",
    )
    group.add_argument(
        "--ood-data",
        "--others",
        type=Path,
        help="folder with a folder of images for each task: out-of-distribution images",
    )
    group.add_argument(
        "--start-from",
        type=_named,
        help="starting weights: network.pt of another training, efficientnet-lite0 (or 1, 2) for that "
        "architecture with weights from ImageNet, or torchvision:resnet18",
    )
    group.add_argument(
        "--recipe",
        type=Path,
        help="TOML file with hyper-parameters of tasks, such as the best.toml of training.tune",
    )
    group.add_argument("--git-commit", default="", help="recorded in the package (the current commit)")


def add_hyperparameters(parser: ArgumentParser) -> None:
    """Add an option for each hyper-parameter; its value is None if it is not on the command line."""
    group = parser.add_argument_group("hyper-parameters")
    group.add_argument(
        "--smoke",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        help="a run in seconds with a useless model",
    )
    defaults = Hyperparameters()
    former = {name: alias for alias, name in ALIASES.items()}
    for spec in fields(Hyperparameters):
        names = [spec.name, former[spec.name]] if spec.name in former else [spec.name]
        group.add_argument(
            *(f"--{name.replace('_', '-')}" for name in names),
            type=_choice_type(spec.name) if spec.type is str else spec.type,
            choices=spec.metadata.get("choices"),
            help=f"{spec.metadata['help']} (default {getattr(defaults, spec.name)})",
        )


def _choice_type(name: str) -> Callable[[str], str]:
    """Reads a choice of a hyper-parameter, also by its former name."""
    return lambda text: str(current_names({name: text})[name])


def _sagemaker_checkpoints() -> Path | None:
    """The folder that SageMaker saves to S3 and restores: /opt/ml/checkpoints, beside the model.

    Each job has a subfolder, because the jobs of a search share one place in S3.
    """
    model_dir = os.environ.get("SM_MODEL_DIR")
    folder = Path(model_dir).parent / "checkpoints" if model_dir else None
    return folder / os.environ.get("TRAINING_JOB_NAME", "") if folder else None


def _named(text: str) -> str:
    """Refuse an empty value, such as that of an unset variable: it would silently mean the default."""
    if not text:
        raise ArgumentTypeError("the value is empty")
    return text


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"between 0 and 1, not {text}")
    return value


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise ArgumentTypeError(f"true or false, not '{text}'")
    return values[text.lower()]
