"""The hosts of a job, which share the work of reading images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _alone(own: Any) -> list[Any]:
    return [own]


@dataclass(frozen=True)
class Hosts:
    """All hosts, as one of them sees them."""

    number: int = 0
    """Of this host; the first is 0."""
    count: int = 1
    gather: Callable[[Any], list[Any]] = _alone
    """Takes an object from each host, and returns those of all hosts to each, in order."""

    @property
    def is_first(self) -> bool:
        """Whether this host is the one that prints and writes."""
        return self.number == 0


ALONE = Hosts()
