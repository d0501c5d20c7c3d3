"""Compares batches with single images, for the bundled models."""

from functools import partial

import numpy as np

from benchmarks.plan import Plan
from benchmarks.section import Section
from benchmarks.timing import compare
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import bundled_package
from chalicelib.tasks import load_tasks

IMAGES = 16
COLUMNS = ("", "in a batch / ms", "alone / ms", "× in a batch", "rounds")
TEXT = f"""\
Each bundled model on one thread, without preparing: milliseconds for an image in a batch of {IMAGES}, as
training and batch transform send them, and for one alone."""


def measure(plan: Plan) -> Section:
    """One row per bundled model."""
    section = Section("Batches", TEXT, COLUMNS)
    for task in load_tasks().values():
        if package := bundled_package(task.name):
            plan.say(f"Batches: {task.name}")
            backend = EmbeddedBackend(package, threads=1)
            shape = (plan.choose(IMAGES, 2), *task.input.shape)
            images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
            alone = np.split(images, len(images))
            batch, single = partial(backend.run, images), partial(_each, backend, alone)
            found = compare(task.name, batch, single, len(images), plan.choose(5, 1))
            section.add(task.name, found.ours, found.other, found.ratio, str(found.rounds))
    return section


def _each(backend: EmbeddedBackend, images: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]) -> None:
    for image in images:
        backend.run(image)
