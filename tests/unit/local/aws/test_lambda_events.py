"""The queue of asynchronous invocations, without an emulator."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws import lambda_events
from local.aws.lambda_events import AttemptResult, EventQueue

PATIENCE = 300.0
"""Seconds; only a test that fails waits as long."""
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Function:
    """A function whose attempts have the given results; the last one repeats."""

    def __init__(self, *endings: AttemptResult) -> None:
        self._results = list(endings)
        self.tries = 0
        self.given_up: list[Any] = []
        self.over = threading.Event()

    def run(self, _function: str, _event: Any) -> AttemptResult:
        self.tries += 1
        result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        if result is AttemptResult.SUCCEEDED:
            self.over.set()
        return result

    def give_up(self, _function: str, event: Any) -> None:
        self.given_up.append(event)
        self.over.set()


@pytest.fixture
def deliver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Function], None]:
    """Delivers one event to a function, without pauses between attempts."""
    monkeypatch.setattr(lambda_events, "DELIVERY_DELAY", 0.0)
    monkeypatch.setattr(lambda_events, "RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(lambda_events, "MISSING_FUNCTION_DELAY", 0.0)
    monkeypatch.setattr(lambda_events, "THROTTLED_PAUSE", 0.0)

    def deliver(function: Function) -> None:
        EventQueue(tmp_path / "events.sqlite", 1, function.run, function.give_up).put(FUNCTION, {"n": 1})
        assert function.over.wait(PATIENCE)

    return deliver


def test_throttling_does_not_count_as_an_attempt(deliver: Callable[[Function], None]) -> None:
    function = Function(
        *[AttemptResult.THROTTLED] * 20,
        AttemptResult.FAILED,
        AttemptResult.THROTTLED,
        AttemptResult.SUCCEEDED,
    )

    deliver(function)

    assert function.tries == 23
    assert function.given_up == []


def test_event_is_given_up_after_the_third_failure(deliver: Callable[[Function], None]) -> None:
    function = Function(
        AttemptResult.FAILED,
        AttemptResult.THROTTLED,
        AttemptResult.FAILED,
        AttemptResult.FAILED,
        AttemptResult.SUCCEEDED,
    )

    deliver(function)

    assert function.tries == 4
    assert function.given_up == [{"n": 1}]


def test_event_comes_when_its_sender_has_gone_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_events, "DELIVERY_DELAY", 0.2)
    function = Function(AttemptResult.SUCCEEDED)
    queue = EventQueue(tmp_path / "events.sqlite", 1, function.run, function.give_up)

    began = time.monotonic()
    queue.put(FUNCTION, {"n": 1})
    assert function.over.wait(PATIENCE)

    assert time.monotonic() - began > 0.19
