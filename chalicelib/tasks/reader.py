"""Loads and validates the task files."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from chalicelib.tasks.task import (
    ENDPOINT_NAME,
    MAX_INSTANCES,
    Augmentation,
    ClassSpec,
    DisplayWindow,
    EndpointProtocol,
    EndpointSpec,
    InputSpec,
    ReviewRule,
    Serving,
    ServingKind,
    Task,
    TrainingSpec,
    Wording,
)
from chalicelib.tasks.toml_table import TaskFileError, TomlTable

__all__ = ["TaskFileError", "load_task", "load_tasks", "read_task"]

TASKS_FOLDER = Path(__file__).parent

GATE_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "auc")

_ENDPOINT_PROTOCOLS: tuple[EndpointProtocol, ...] = ("negatoscope", "image-classification")
_SERVING_KINDS: tuple[ServingKind, ...] = ("embedded", "serverless", "provisioned")
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+")

MAX_NAME = 24
"""Characters of a task's name: `negatoscope-STAGE-TASK-xxxxxxxx-eval`, with a stage of 11, names a job, and
SageMaker takes 63."""
MAX_WINDOW = 65536
"""Values of a display window: those of 16 bits."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@cache
def load_tasks(folder: Path = TASKS_FOLDER) -> dict[str, Task]:
    """Every task of `folder` by name, in alphabetical order.

    Raises:
        TaskFileError: naming file and line of the first mistake.
    """
    paths = sorted(folder.glob("*.toml"), key=lambda path: path.stem)
    return {path.stem: read_task(path) for path in paths}


def load_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        KeyError: if there is no such task.
        TaskFileError: if a task file is invalid.
    """
    return load_tasks()[name]


def read_task(path: Path) -> Task:
    """Read and validate one task file.

    Raises:
        TaskFileError: naming file and line of the mistake.
    """
    root = TomlTable.parse(path)
    classes, spec, windows = _classes(root), _input(root.table("input")), _windows(root)
    task = Task(
        name=_name(root, path.stem),
        title=root.string("title"),
        modality=root.string("modality"),
        intended_use=root.string("intended_use"),
        limits=root.strings("limits"),
        classes=classes,
        input=spec,
        review=_review(root.table("review")),
        gate=_gate(root.table("gate")),
        max_sensitivity_drop=root.table("gate").number("max_sensitivity_drop", 0, 1),
        augmentation=_augmentation(root.table("augmentation"), spec),
        negative=_negative(root, classes),
        covers=_covers(root, path.stem),
        endpoint=_endpoint(root),
        serving=_serving(root),
        training=_training(root),
        windows=windows,
        translations=_translations(root, classes, windows),
    )
    root.refuse_unknown()
    return task


def _name(root: TomlTable, stem: str) -> str:
    name = root.string("name")
    if not _NAME.fullmatch(name):
        raise root.error(f"'name' must be lower-case words joined by hyphens, not '{name}'", "name")
    if len(name) > MAX_NAME:
        raise root.error(f"'name' may have {MAX_NAME} characters; '{name}' has {len(name)}", "name")
    if name != stem:
        raise root.error(f"'name' is '{name}' but the file is called {stem}.toml; they must agree", "name")
    return name


def _classes(root: TomlTable) -> tuple[ClassSpec, ...]:
    tables = root.tables("classes")
    names = [table.string("name") for table in tables]
    if len(names) < 2:
        raise root.error("a task needs at least two [[classes]]", "classes")
    specs = []
    for table, name in zip(tables, names, strict=True):
        if not _NAME.fullmatch(name):
            raise table.error(f"a class name is lower-case words joined by hyphens, not '{name}'", "name")
        if names.count(name) > 1:
            raise table.error(f"two classes are called '{name}'", "name")
        flips_to = table.string("flips_to", default=name)
        if flips_to not in names:
            raise table.error(f"'flips_to' names no class of this task: '{flips_to}'", "flips_to")
        specs.append(ClassSpec(name, table.string("title"), flips_to))
        table.refuse_unknown()
    _check_flips_are_mutual(tables, specs)
    return tuple(specs)


def _negative(root: TomlTable, classes: tuple[ClassSpec, ...]) -> str | None:
    name = root.optional_string("negative")
    if name is not None and name not in {spec.name for spec in classes}:
        raise root.error(f"'negative' names no class of this task: '{name}'", "negative")
    return name


def _covers(root: TomlTable, stem: str) -> tuple[str, ...]:
    names = root.optional_strings("covers")
    # The files of other tasks may be missing, as in an endpoint's container.
    if stem in names or not all(map(_NAME.fullmatch, names)):
        raise root.error(f"'covers' must name other tasks, not {', '.join(names)}", "covers")
    return names


def _windows(root: TomlTable) -> tuple[DisplayWindow, ...]:
    tables = root.optional_tables("windows")
    names = [table.string("name") for table in tables]
    for table, name in zip(tables, names, strict=True):
        if not _NAME.fullmatch(name):
            raise table.error(f"a window's name is lower-case words joined by hyphens, not '{name}'", "name")
        if names.count(name) > 1:
            raise table.error(f"two windows are called '{name}'", "name")
    return tuple(_window(table) for table in tables)


def _window(table: TomlTable) -> DisplayWindow:
    window = DisplayWindow(table.string("name"), table.string("title"))
    if {"center", "width"} & set(table.keys):
        width = table.number("width", 1, MAX_WINDOW)
        window = replace(window, center=table.number("center", -MAX_WINDOW, MAX_WINDOW), width=width)
    else:
        black, white = table.number("black", 0, 100), table.number("white", 0, 100)
        if black >= white:
            raise table.error(f"'white' must be more than 'black', which is {black:g}", "white")
        window = replace(window, black=black, white=white)
    table.refuse_unknown()
    return window


def _translations(
    root: TomlTable, classes: tuple[ClassSpec, ...], windows: tuple[DisplayWindow, ...]
) -> Mapping[str, Wording]:
    table = root.optional_table("translations")
    return {code: _wording(table, code, classes, windows) for code in table.keys} if table else {}


def _wording(
    translations: TomlTable, code: str, classes: tuple[ClassSpec, ...], windows: tuple[DisplayWindow, ...]
) -> Wording:
    """Complete, so that nobody reads a mixture of languages."""
    if not _LANGUAGE.fullmatch(code):
        raise translations.error(f"a language is called as in BCP 47, such as de, not '{code}'", code)
    table = translations.table(code)
    wording = Wording(
        title=table.string("title"),
        intended_use=table.string("intended_use"),
        limits=table.strings("limits"),
        classes=_titles(table.table("classes"), classes),
        windows=_titles(table.table("windows"), windows) if windows else {},
    )
    table.refuse_unknown()
    return wording


def _titles(table: TomlTable, named: tuple[ClassSpec | DisplayWindow, ...]) -> dict[str, str]:
    titles = {one.name: table.string(one.name) for one in named}
    table.refuse_unknown()
    return titles


def _check_flips_are_mutual(tables: list[TomlTable], specs: list[ClassSpec]) -> None:
    """Mirroring twice restores the image, so `flips_to` must be symmetric."""
    flips_to = {spec.name: spec.flips_to for spec in specs}
    for table, spec in zip(tables, specs, strict=True):
        if flips_to[spec.flips_to] != spec.name:
            raise table.error(f"'{spec.flips_to}' must flip back to '{spec.name}'", "flips_to")


MIN_SIDE, MAX_SIDE = 16, 2048
"""Limits of a model's input, in pixels."""
MAX_INPUT_VALUES = 4_000_000
"""A byte each. A serverless endpoint takes 4 MB, and a Lambda's answer 6 MB: 4.5 MB in base64."""


def _input(table: TomlTable) -> InputSpec:
    spec = InputSpec(
        width=table.integer("width", MIN_SIDE, MAX_SIDE),
        height=table.integer("height", MIN_SIDE, MAX_SIDE),
        channels=table.integer("channels", 1, 3),
        fit=table.choice("fit", ("pad", "stretch")),
    )
    if spec.channels == 2:
        raise table.error("'channels' must be 1 (grey) or 3 (RGB)", "channels")
    values = spec.width * spec.height * spec.channels
    if values > MAX_INPUT_VALUES:
        raise table.error(
            f"'width' x 'height' x 'channels' may be at most {MAX_INPUT_VALUES:,}, not {values:,}: Lambdas "
            "and serverless endpoints take no more",
            "width",
        )
    table.refuse_unknown()
    return spec


MIN_ACCURACY = 0.97
"""Of answers without a review, if a task's file does not say otherwise."""


def _review(table: TomlTable) -> ReviewRule:
    rule = ReviewRule(
        min_probability=table.number("min_probability", 0, 1),
        min_margin=table.number("min_margin", 0, 1),
        min_accuracy=table.number("min_accuracy", 0, 1, default=MIN_ACCURACY),
    )
    table.refuse_unknown()
    return rule


def _gate(table: TomlTable) -> dict[str, float]:
    metrics = [key for key in table.keys if key in GATE_METRICS]
    if not metrics:
        raise table.error(f"the gate needs at least one of {', '.join(GATE_METRICS)}")
    table.number("max_sensitivity_drop", 0, 1)
    gate = {metric: table.number(metric, 0, 1) for metric in metrics}
    table.refuse_unknown()
    return gate


def _augmentation(table: TomlTable, spec: InputSpec) -> Augmentation:
    augmentation = Augmentation(
        flip=table.boolean("flip"),
        rotate_degrees=table.number("rotate_degrees", 0, 180),
        scale=table.number("scale", 0, 0.9),
        shift=table.number("shift", 0, 0.5),
        gamma=table.number("gamma", 0, 2),
        contrast=table.number("contrast", 0, 2),
        fog=table.number("fog", 0, 0.9),
        noise=table.number("noise", 0, 0.5),
        quarter_turns=table.boolean("quarter_turns"),
        colour=table.number("colour", 0, 0.5),
        blur=table.number("blur", 0, 0.1, default=0.0),
        resolution=table.number("resolution", 1, 8, default=1.0),
        inversion=table.number("inversion", 0, 1, default=0.0),
        markers=table.number("markers", 0, 1, default=0.0),
        stain=table.number("stain", 0, 1, default=0.0),
    )
    if augmentation.quarter_turns and spec.width != spec.height:
        raise table.error(
            "'quarter_turns' needs a square input: make width and height equal", "quarter_turns"
        )
    if augmentation.stain and spec.channels == 1:
        raise table.error("'stain' needs an input in colour: set channels = 3, or leave it out", "stain")
    table.refuse_unknown()
    return augmentation


def _endpoint(root: TomlTable) -> EndpointSpec | None:
    table = root.optional_table("endpoint")
    if table is None:
        return None
    key = "contract" if "contract" in table.keys else "protocol"  # its name before version 0.2
    endpoint = EndpointSpec(table.string("name"), table.choice(key, _ENDPOINT_PROTOCOLS))
    if not ENDPOINT_NAME.fullmatch(endpoint.name):
        raise table.error(f"SageMaker does not allow the endpoint name '{endpoint.name}'", "name")
    table.refuse_unknown()
    return endpoint


def _serving(root: TomlTable) -> Serving:
    table = root.optional_table("serving")
    if table is None:
        return Serving()
    kind = table.choice("kind", _SERVING_KINDS)
    serving = Serving(kind)
    if kind == "serverless":
        memory = table.integer("memory_mb", 1024, 6144)
        if memory % 1024:
            raise table.error(f"'memory_mb' must be a multiple of 1024, not {memory}", "memory_mb")
        serving = replace(serving, memory_mb=memory, max_concurrency=table.integer("max_concurrency", 1, 200))
    if kind == "provisioned":
        instance_type = table.string("instance_type")
        if not _INSTANCE_TYPE.fullmatch(instance_type):
            raise table.error(f"SageMaker has no instance type '{instance_type}'", "instance_type")
        serving = replace(serving, instance_type=instance_type, instances=table.integer("instances", 1, 100))
    table.refuse_unknown()
    return serving


def _training(root: TomlTable) -> TrainingSpec:
    table = root.optional_table("training")
    if table is None:
        return TrainingSpec()
    spec = TrainingSpec(
        table.integer("instance_count", 1, MAX_INSTANCES, default=1),
        table.integer("preparation_instance_count", 1, MAX_INSTANCES, default=1),
        table.boolean("stream", default=False),
    )
    table.refuse_unknown()
    return spec
