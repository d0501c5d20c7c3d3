"""Concurrency, environments and the queue of events."""

import random
from dataclasses import replace

import pytest

from benchmarks.simulation.lambdas import Account, Concurrency
from benchmarks.simulation.limits import Limits
from benchmarks.simulation.timeline import Process, Timeline

LIMITS = Limits.read()


class Stage:
    """An account with the functions `one` and `two`, whose environments take half a second to start."""

    def __init__(self, limits: Limits = LIMITS, **settings: object) -> None:
        self.timeline = Timeline()
        chosen = replace(Concurrency(("one", "two"), 1000), **settings)  # type: ignore[arg-type]
        self.account = Account(self.timeline, limits, chosen, lambda name: 0.5, random.Random(1))
        self.answers: list[tuple[bool, float]] = []

    def work(self, seconds: float = 1.0, *, succeeds: bool = True) -> Process:
        yield seconds
        return succeeds

    def event(self, name: str = "one", seconds: float = 1.0, *, succeeds: bool = True) -> Process:
        found = yield from self.account.deliver(name, lambda: self.work(seconds, succeeds=succeeds))
        self.answers.append((found, self.timeline.now))
        return found

    def call(self, name: str) -> Process:
        found = yield from self.account.invoke(name, self.work)
        self.answers.append((found, self.timeline.now))
        return found


def test_environment_is_started_once_and_then_warm() -> None:
    stage = Stage()
    stage.timeline.start(stage.event())
    stage.timeline.start(stage.event(), delay=2)
    stage.timeline.run()
    assert stage.answers == [(True, 1.5), (True, 3)]
    function = stage.account.functions["one"]
    assert (function.cold_starts, function.invocations, function.seconds) == (1, 2, 2.5)


def test_functions_share_the_concurrency_of_the_account() -> None:
    stage = Stage(account=3)
    for name in ("one", "two", "one", "two"):
        stage.timeline.start(stage.call(name))
    stage.timeline.run()
    assert stage.answers == [(False, 0), (True, 1.5), (True, 1.5), (True, 1.5)]
    assert stage.account.running.peak == 3
    assert stage.account.functions["two"].throttled == 1
    assert stage.account.first_throttle == {"concurrency (two)": 0}


def test_reserved_concurrency_is_kept_for_a_function_and_limits_it() -> None:
    stage = Stage(account=3, reserved={"two": 2})
    for name in ("one", "one", "two", "two", "two"):
        stage.timeline.start(stage.call(name))
    stage.timeline.run()
    assert [answer for answer, _ in stage.answers] == [False, False, True, True, True]
    assert (stage.account.functions["one"].throttled, stage.account.functions["two"].throttled) == (1, 1)


def test_environments_are_added_at_the_documented_rate() -> None:
    stage = Stage(account=5000)
    for _ in range(1500):
        stage.timeline.start(stage.event(seconds=1000))
    stage.timeline.run(0.4)  # before the first event comes back
    assert stage.account.running.peak == 1000
    assert stage.account.first_throttle == {"new environments (one)": 0}
    stage.timeline.run(500)
    assert stage.account.running.peak == 1500


def test_throttled_event_comes_back_ever_later_and_is_no_failed_attempt() -> None:
    stage = Stage(account=1)
    stage.timeline.start(stage.event(seconds=2000))
    stage.timeline.start(stage.event("two"))
    stage.timeline.run()
    (_, first), (succeeded, second) = stage.answers
    assert succeeded
    assert first == 2000.5
    assert 0 < second - first < 1.5 * LIMITS.throttle_wait_max + 2
    # 1, 2, 4 ... 256, then 300 seconds, each half as long to half as long again.
    assert 9 <= stage.account.functions["two"].throttled <= 17


def test_event_that_is_too_old_is_given_up() -> None:
    stage = Stage(account=1)
    stage.timeline.start(stage.event(seconds=30_000))
    stage.timeline.start(stage.event("two"))
    stage.timeline.run()
    succeeded, at = stage.answers[0]
    assert not succeeded
    assert LIMITS.event_max_age < at < LIMITS.event_max_age + 1.5 * LIMITS.throttle_wait_max
    assert stage.account.gave_up == {"old": 1}


def test_failed_event_is_tried_three_times() -> None:
    stage = Stage()
    stage.timeline.start(stage.event(succeeds=False))
    stage.timeline.run()
    assert stage.answers == [(False, 1.5 + 60 + 1 + 120 + 1)]
    assert stage.account.gave_up == {"failed": 1}
    assert stage.account.functions["one"].invocations == 3


def test_prompt_queue_leaves_no_room_unused() -> None:
    stage = Stage(account=2, queue="prompt")
    for _ in range(10):
        stage.timeline.start(stage.event())
    stage.timeline.run()
    assert [at for _, at in stage.answers] == [1.5, 1.5, 2.5, 2.5, 3.5, 3.5, 4.5, 4.5, 5.5, 5.5]
    assert stage.account.queued.peak == 8


@pytest.mark.parametrize("queue", ["backoff", "prompt"])
def test_every_event_has_one_end(queue: str) -> None:
    stage = Stage(account=20, queue=queue)
    for number in range(2000):
        stage.timeline.start(stage.event(("one", "two")[number % 2], succeeds=number % 7 > 0), number / 100)
    stage.timeline.run()
    assert len(stage.answers) == 2000
    assert sum(not succeeded for succeeded, _ in stage.answers) == stage.account.gave_up.total() == 286
    assert stage.account.running.value == stage.account.queued.value == 0
    assert stage.account.running.peak == 20
