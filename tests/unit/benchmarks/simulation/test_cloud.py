"""The way of images through a stage on AWS."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest

from benchmarks.simulation import cloud
from benchmarks.simulation.cloud import Cloud
from benchmarks.simulation.limits import Limits
from benchmarks.simulation.outcome import Outcome
from benchmarks.simulation.parameters import Knobs, Times
from chalicelib import dependencies
from chalicelib.results import sharding
from chalicelib.results.table import _SHARDS
from deploy import usage
from deploy.costs import PriceList

LIMITS, PRICES = Limits.read(), PriceList()
TIMES = replace(  # all known, and the same each time
    Times.read("DICOM, 2000 x 2000"),
    object_request=(0.1, 0.1),
    table_request=(0.01, 0.01),
    event=(1.0, 1.0),
    invoke=(0.02, 0.02),
    environment=(0.0, 0.0),
    imports=0.0,
    decode=0.5,
    classify=0.25,
    endpoint=0.25,
    sigma=0.0,
)
PREPARE = 0.01 + 0.02 + (0.1 + 0.5 + 0.1) + 0.1
CLASSIFY = 0.1 + 0.25 + 0.1 + 0.01
BUSY = PREPARE + (0.1 + 0.5 + 0.1) + CLASSIFY
"""Seconds of all Lambdas of an image."""


NARROW = replace(LIMITS, partition_write_units=60.0)
"""Partitions that take so little that tests reach it soon."""


def run(knobs: Knobs, times: Times = TIMES, horizon: float = 86_400.0, limits: Limits = LIMITS) -> Outcome:
    return Cloud(knobs, limits, times).run(PRICES, horizon)


def test_image_takes_the_sum_of_its_steps() -> None:
    outcome = run(Knobs(burst=1))
    assert outcome.latency[50] == pytest.approx(1 + PREPARE + 1 + CLASSIFY)
    assert len(set(outcome.latency.values())) == 1
    assert (outcome.arrived, outcome.done, outcome.breaks_first) == (1, 1, "")


def test_nothing_waits_below_capacity_and_little_says_how_many_run() -> None:
    outcome = run(Knobs(rate=10, seconds=300))
    assert (outcome.queued_peak, outcome.throttled, outcome.lost) == (0, {}, 0)
    assert outcome.latency[99] == pytest.approx(2 + PREPARE + CLASSIFY)
    rate = outcome.arrived / 300
    assert rate == pytest.approx(10, rel=0.05)
    assert outcome.running == pytest.approx(rate * BUSY, rel=0.02)


def test_dollars_are_those_of_the_seconds() -> None:
    outcome = run(Knobs(burst=10))
    parts = {"prepare": PREPARE, "decode": 0.7, "classify": CLASSIFY}
    spent = sum(
        PRICES["lambda_request"] + seconds * usage.memory_gb(name) * PRICES["lambda_gb_second"]
        for name, seconds in parts.items()
    )
    assert outcome.lambda_dollars == pytest.approx(1000 * spent)
    assert outcome.dollars > outcome.lambda_dollars
    assert outcome.month(PRICES, 0) > 5
    assert outcome.month(PRICES, 10) > 2_592 * 10 * outcome.dollars


@pytest.mark.parametrize(
    "knobs",
    [
        Knobs(rate=20, seconds=60, concurrency=10),
        Knobs(burst=800, concurrency=150, reserved={"prepare": 30}, queue="prompt"),
        Knobs(rate=40, seconds=20, concurrency=500, partitions="shared", arrival="upload"),
        Knobs(rate=30, seconds=30, endpoint=2),
    ],
)
@pytest.mark.parametrize("horizon", [50.0, 1000.0, 86_400.0])
def test_every_image_is_done_waits_or_is_lost(knobs: Knobs, horizon: float) -> None:
    outcome = run(knobs, horizon=horizon, limits=NARROW)
    assert outcome.arrived == outcome.done + outcome.waiting + outcome.lost
    assert outcome.arrived > 500
    assert outcome.throttled
    assert outcome.waiting == 0 or horizon < 86_400


def test_the_same_seed_gives_the_same_run() -> None:
    knobs, times = Knobs(rate=10, seconds=40, concurrency=10), Times.read("DICOM, 2000 x 2000")
    assert run(knobs, times) == run(knobs, times)
    assert run(knobs, times) != run(replace(knobs, seed=2), times)


def test_decode_is_short_of_what_prepare_has_taken() -> None:
    """Files that are dropped at once fill the account with Lambdas that wait for others."""
    knobs = Knobs(burst=1000, queue="prompt", concurrency=200)
    alone, together = run(replace(knobs, reserved={"prepare": 60})), run(knobs)
    assert together.throttled["decode"] > 500
    assert "decode" not in alone.throttled
    assert together.latency[50] > 3 * alone.latency[99]


def test_lists_take_a_thousand_units_a_second_until_they_are_sharded() -> None:
    knobs = Knobs(rate=30, seconds=40)
    shared = run(replace(knobs, partitions="shared"), limits=NARROW)
    sharded = run(replace(knobs, partitions="sharded"), limits=NARROW)
    assert sharded.throttled == {}
    assert "partition of the lists" in shared.breaks_first
    assert shared.throttled["table"] > 100
    units = sum(map(ceil, usage.WRITTEN_KB))
    assert shared.done * units <= (shared.drained + 41) * NARROW.partition_write_units


def test_lists_are_sharded_two_minutes_after_a_write_was_refused_for_good() -> None:
    knobs = Knobs(rate=30, seconds=300)
    stage = Cloud(knobs, NARROW, TIMES)
    stage.run(PRICES, 300.0)
    assert 120 <= stage._sharded_from <= 240
    assert stage._sharded_from % 60 == 0
    before = stage.refused["table"]
    again = Cloud(replace(knobs, partitions="shared"), NARROW, TIMES)
    again.run(PRICES, 300.0)
    assert again.refused["table"] > 1.5 * before


def test_notice_of_a_period_is_that_of_the_application() -> None:
    period = sharding._next_period(1)
    left = datetime.fromisoformat(period.since) - datetime.now(UTC)
    assert timedelta(seconds=cloud.NOTICE - 61) < left <= timedelta(seconds=cloud.NOTICE)


def test_tries_are_those_of_the_application() -> None:
    assert dependencies._RETRIES["total_max_attempts"] == cloud.TRIES
    assert len(_SHARDS) == cloud.UNFINISHED_PARTITIONS


def test_sweep_sends_lost_images_again_and_gives_up_after_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that never answers: three attempts of each event, again and again."""
    stage = Cloud(Knobs(burst=3, endpoint=0), LIMITS, TIMES)
    outcome = stage.run(PRICES)
    assert (outcome.lost, outcome.done, outcome.resent) == (3, 0, 15)
    # Found stuck after ten minutes at the earliest, and then by each sweep that follows a failure.
    assert stage.ended % cloud.SWEEP_EVERY == 0
    assert stage.ended == (2 + 5) * cloud.SWEEP_EVERY


def test_sweep_sends_no_more_than_it_has_time_for() -> None:
    stage = Cloud(Knobs(burst=30, endpoint=0), LIMITS, TIMES)
    stage._per_sweep = 10
    outcome = stage.run(PRICES)
    assert outcome.lost == 30
    assert max(stage._swept.values()) == 10
    assert stage.ended > (2 + 5) * cloud.SWEEP_EVERY


def test_endpoint_answers_as_many_as_it_may() -> None:
    few, many = (run(Knobs(rate=20, seconds=30, endpoint=number)) for number in (3, 200))
    assert few.throttled["endpoint"] > 0
    assert many.throttled == {}
    assert many.done == many.arrived


def test_upload_writes_its_announcement_too() -> None:
    stage = Cloud(Knobs(burst=1, arrival="upload"), LIMITS, TIMES)
    (outcome, plain) = stage.run(PRICES), run(Knobs(burst=1))
    assert outcome.latency[50] == pytest.approx(plain.latency[50] + 0.01)
