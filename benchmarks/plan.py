"""How much is measured, and where files go meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """What all comparisons of a run share."""

    folder: Path
    """For files while measuring; one that exists."""
    quick: bool = False
    """Fewer rounds and smaller images, to see that everything works."""
    say: Callable[[str], None] = print
    """Prints progress."""
    started: float = field(default_factory=time.monotonic)

    def choose[T](self, full: T, quick: T) -> T:
        """One of two values."""
        return quick if self.quick else full
