"""Putting images to a model: to a package in this process, or to an API."""

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
from training.data.pixels import Images
from training.errors import TrainingError
from training.evaluation.answers import OUTPUTS, Answers, read_outputs
from training.evaluation.api import CONNECTIONS, Api, NotAnswered, Result
from training.model.export import open_session, run

BATCH = 64
QUIET = 5.0
"""Seconds between two lines of progress."""

T = TypeVar("T")


@dataclass(frozen=True)
class Scored:
    """What became of N images."""

    answers: Answers
    """For the images that got one, in their order."""
    answered: list[int]
    """Which of the N these are."""
    failures: dict[int, NotAnswered]
    """Why the others got none."""
    models: tuple[str, ...]
    """Versions of the models that answered: several, if one was deployed meanwhile."""


def score_package(package: ModelPackage, task: Task, pixels: Images, rows: Ints) -> Scored:
    """Run a package's graph on the prepared images with these row numbers.

    Raises:
        TrainingError: if it does not run, or answers with something else than probabilities.
    """
    starts = _paced(range(0, len(rows), BATCH), len(rows), BATCH)
    try:
        session = open_session(package.graph_path)
        batches = [_run(session, pixels[rows[start : start + BATCH]]) for start in starts]
    except Exception as error:  # onnxruntime's own errors share no base class
        raise TrainingError(f"The graph of {package.version} does not run: {error}") from error
    outputs = {name: np.concatenate([batch[name] for batch in batches]) for name in OUTPUTS}
    answers = read_outputs(outputs, task, package.distance_threshold)
    if not np.allclose(answers.probabilities.sum(1), 1, atol=1e-3):
        raise TrainingError(f"The graph of {package.version} answers with numbers that are no probabilities.")
    return Scored(answers, list(range(len(rows))), {}, (package.version,))


def _run(session: InferenceSession, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    outputs = run(session, pixels)
    return {name: outputs[name] for name in OUTPUTS}


def score_api(api: Api, images: list[Callable[[], bytes]]) -> Scored:
    """Send the bytes of each image to the API; what gets no answer is kept with the reason.

    Raises:
        TrainingError: if none is answered, or the API does not let us in.
    """

    def ask(load: Callable[[], bytes]) -> Result | NotAnswered:
        try:
            return api.classify(load())
        except NotAnswered as failure:
            return failure

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = list(_paced(pool.map(ask, images), len(images)))
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


def _paced(items: Iterable[T], total: int, size: int = 1) -> Iterator[T]:
    """The items, each of `size` images out of `total`, with a line of progress every few seconds."""
    start = spoken = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now, images = time.monotonic(), min(done * size, total)
        if now - spoken >= QUIET or images == total:
            rate = images / max(now - start, 1e-9)
            left = math.ceil((total - images) / rate)
            print(f"images={images}/{total}; images_per_second={rate:.1f}; time_left={left}s", flush=True)
            spoken = now
