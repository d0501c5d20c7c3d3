"""Metrics of a training job, extracted from its output by regular expressions."""

import math
import re
import threading
import time
from collections.abc import Iterable, Mapping

from local.sagemaker.resources import Record


class Metrics:
    """The latest value of each metric. Thread-safe."""

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._definitions = [(metric["Name"], re.compile(metric["Regex"])) for metric in definitions]
        self._lock = threading.Lock()
        self._last: dict[str, Record] = {}
        self._changed = False

    def read(self, line: str) -> None:
        """Extract the values from one line."""
        for name, pattern in self._definitions:
            for match in pattern.finditer(line):
                value = _number(match.group(1))
                if value is not None:
                    with self._lock:
                        self._last[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
                        self._changed = True

    def take_new(self) -> list[Record] | None:
        """All latest values if any has changed since the last call, else None."""
        with self._lock:
            changed, self._changed = self._changed, False
            return list(self._last.values()) if changed else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None  # JSON can represent no others
