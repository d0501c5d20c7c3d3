"""A clock for sharded periods, which tests move."""

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """The time, beginning with `START`."""

    def __init__(self) -> None:
        self.now = START

    def time(self) -> float:
        """Stands for `time.time`."""
        return self.now.timestamp()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def install(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        """Let modules read this clock."""
        clock = self

        class Moments(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return clock.now

        for module in modules:
            monkeypatch.setattr(module, "datetime", Moments)
