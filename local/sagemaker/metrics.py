"""Metrics that are read from what a training prints, by regular expressions."""

import math
import re
import threading
import time
from collections.abc import Iterable, Mapping

from local.sagemaker.resources import Record


class Metrics:
    """The last value of each metric. Thread-safe."""

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._definitions = [(metric["Name"], re.compile(metric["Regex"])) for metric in definitions]
        self._lock = threading.Lock()
        self._last: dict[str, Record] = {}
        self._changed = False

    def read(self, line: str) -> None:
        """Take every value from one line."""
        for name, pattern in self._definitions:
            for match in pattern.finditer(line):
                value = _number(match.group(1))
                if value is not None:
                    with self._lock:
                        self._last[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
                        self._changed = True

    def take_new(self) -> list[Record] | None:
        """All last values, if one of them is new since the last call."""
        with self._lock:
            changed, self._changed = self._changed, False
            return list(self._last.values()) if changed else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None  # JSON has no others
