"""Scoring images with a package in this process, or with an API."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task
from training.core.arrays import Ints
from training.data.pixels import Images, batch_size
from training.errors import TrainingError
from training.evaluation.answers import OUTPUTS, Answers, read_outputs
from training.evaluation.api import CONNECTIONS, Api, NotAnswered, Result
from training.model.graph import open_session, run

MAX_BATCH = 64
PRINT_EVERY = 5.0
"""Seconds between two lines of progress."""

T = TypeVar("T")


@dataclass(frozen=True)
class Scored:
    """The answers for N images."""

    answers: Answers
    """For the images that have one, in their order."""
    answered: list[int]
    """Indices of these among the N."""
    failures: dict[int, NotAnswered]
    """By index, why another image has none."""
    models: tuple[str, ...]
    """Versions of the models that answered: several, if a model was deployed in the meantime."""


def score_package(package: ModelPackage, task: Task, pixels: Images, rows: Ints) -> Scored:
    """Run the graph of a package on the prepared images in `rows`.

    Raises:
        TrainingError: if it does not run, or its outputs are not probabilities.
    """
    size = batch_size(pixels, MAX_BATCH)
    starts = _with_progress(range(0, len(rows), size), len(rows), size)
    try:
        session = open_session(package.graph_path)
        batches = [_run(session, pixels[rows[start : start + size]]) for start in starts]
    except Exception as error:  # the errors of onnxruntime share no base class
        raise TrainingError(f"The graph of {package.version} does not run: {error}") from error
    outputs = {name: np.concatenate([batch[name] for batch in batches]) for name in OUTPUTS}
    answers = read_outputs(outputs, task, package.thresholds)
    if not np.allclose(answers.probabilities.sum(1), 1, atol=1e-3):
        raise TrainingError(f"The graph of {package.version} has outputs that are not probabilities.")
    return Scored(answers, list(range(len(rows))), {}, (package.version,))


def _run(session: InferenceSession, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    outputs = run(session, pixels)
    return {name: outputs[name] for name in OUTPUTS}


def score_api(api: Api, images: list[Callable[[], bytes]]) -> Scored:
    """Send the bytes of each image to the API; images without an answer are kept with the reason.

    Raises:
        TrainingError: if none is answered, or the API rejects the token.
    """

    def ask(load: Callable[[], bytes]) -> Result | NotAnswered:
        try:
            return api.classify(load())
        except NotAnswered as failure:
            return failure

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = list(_with_progress(pool.map(ask, images), len(images)))
    failures = {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, NotAnswered)}
    results = {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, Result)}
    if not results:
        first = next(iter(failures.values()))
        raise TrainingError(
            f"None of the {len(images)} images was answered. The first: {first.code}: {first.message}"
        )
    answers = Answers(
        np.stack([result.probabilities for result in results.values()]),
        None,
        [result.reasons for result in results.values()],
    )
    return Scored(
        answers, list(results), failures, tuple(sorted({result.model for result in results.values()}))
    )


def _with_progress(items: Iterable[T], total: int, size: int = 1) -> Iterator[T]:
    """Yield the items, each of `size` images out of `total`, and print progress every few seconds."""
    start = printed = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now, images = time.monotonic(), min(done * size, total)
        if now - printed >= PRINT_EVERY or images == total:
            rate = images / max(now - start, 1e-9)
            left = math.ceil((total - images) / rate)
            print(f"images={images}/{total}; images_per_second={rate:.1f}; time_left={left}s", flush=True)
            printed = now
