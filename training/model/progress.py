"""What a training prints while it runs, for people and for SageMaker's metrics."""

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
"""How to read the numbers that are printed, as SageMaker's metric definitions want it.

`objective` is the validation loss of the best epoch so far, in the end that of the model that is kept: of a
training job SageMaker judges the value it read last, and that is not the last epoch's.
"""

QUIET = 30.0
"""Seconds after which something is printed in an epoch that is not over."""


@dataclass(frozen=True)
class Epoch:
    """How one pass over the training images went."""

    number: int
    train_loss: float
    validation_loss: float
    validation_balanced_accuracy: float


class Progress:
    """Tells how far one training of a run is, how fast it goes, and when the whole run may be over."""

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
            images: of one epoch.
            epochs: of this training.
            done: epochs that were done before, if it is resumed.
            later_epochs: of the trainings of this run that are still to come.
            clock: seconds since whenever.
        """
        self.images = images
        self.epochs = epochs
        self.resumed_at = self.done = done
        self.later_epochs = later_epochs
        self.clock = clock
        self.started = self.spoken = clock()

    def tell_batch(self, share: float) -> None:
        """Print a line if there was none for a while; `share` of the epoch under way is done."""
        if self.clock() - self.spoken >= QUIET:
            self._say(f"epoch={self.done + 1}/{self.epochs}; part={share:.0%}; {self._rates(share)}")

    def tell_epoch(self, epoch: Epoch, best: Epoch) -> None:
        """Print the line of an epoch that is over."""
        self.done = epoch.number
        self._say(
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

    def _say(self, line: str) -> None:
        print(line, flush=True)
        self.spoken = self.clock()
