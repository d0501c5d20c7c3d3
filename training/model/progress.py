"""Progress of a training, printed for people and for SageMaker's metrics."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

OBJECTIVE = "objective"

METRIC_PATTERNS = {
    "train:loss": r"train_loss=([0-9.]+);",
    "validation:loss": r"validation_loss=([0-9.]+);",
    "validation:balanced_accuracy": r"validation_balanced_accuracy=([0-9.]+);",
    OBJECTIVE: r"objective=([0-9.]+);",
}
"""Regular expressions for SageMaker's metric definitions.

`objective` is the validation loss of the best epoch so far and, at the end, that of the model in the package:
SageMaker compares training jobs by the last value, which must not be that of the last epoch.
"""

PRINT_EVERY = 30.0
"""Seconds between two lines within an epoch."""


@dataclass(frozen=True)
class Epoch:
    """The result of one pass over the training images."""

    number: int
    train_loss: float
    validation_loss: float
    validation_balanced_accuracy: float


class Progress:
    """Prints how far one training of a run is, its speed, and the time left for the whole run."""

    def __init__(
        self,
        images: int,
        epochs: int,
        done: int,
        later_epochs: int,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Start the clock.

        Args:
            images: number in one epoch.
            epochs: number in this training.
            done: epochs before it was resumed.
            later_epochs: epochs of the later trainings of this run.
            clock: returns seconds.
        """
        self.images = images
        self.epochs = epochs
        self.resumed_at = self.done = done
        self.later_epochs = later_epochs
        self.clock = clock
        self.started = self.printed = clock()

    def report_batch(self, share: float) -> None:
        """Print a line if the last is old enough; `share` of the current epoch is done."""
        if self.clock() - self.printed >= PRINT_EVERY:
            self._print(f"epoch={self.done + 1}/{self.epochs}; part={share:.0%}; {self._rates(share)}")

    def report_epoch(self, epoch: Epoch, best: Epoch) -> None:
        """Print the line of a completed epoch."""
        self.done = epoch.number
        self._print(
            f"epoch={epoch.number}/{self.epochs}; train_loss={epoch.train_loss:.4f}; "
            f"validation_loss={epoch.validation_loss:.4f}; "
            f"validation_balanced_accuracy={epoch.validation_balanced_accuracy:.4f}; "
            f"objective={best.validation_loss:.4f}; {self._rates(0)}"
        )

    def _rates(self, share: float) -> str:
        elapsed = self.clock() - self.started
        passed = self.done - self.resumed_at + share
        left = elapsed / passed * (self.epochs - self.done - share + self.later_epochs)
        return f"images_per_second={self.images * passed / elapsed:.0f}; time_left={math.ceil(left)}s"

    def _print(self, line: str) -> None:
        print(line, flush=True)
        self.printed = self.clock()
