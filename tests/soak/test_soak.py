"""Short forms of all scenarios; `make soak` runs the long ones."""

from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.soak import archive, disk, scenarios, serving, traffic
from tests.soak.report import Report, table
from tests.soak.system import System


@pytest.fixture
def system(stack: LocalStack) -> System:
    return System(stack, print)


def check(report: Report) -> None:
    print(table([report]))
    assert report.problems == []


@pytest.mark.parametrize(("images", "reserved"), [(200, None), (40, 1)])
def test_many_images_dropped_at_once_get_results(system: System, images: int, reserved: int | None) -> None:
    check(scenarios.burst(system, images, reserved))


def test_stray_events_are_survived(system: System) -> None:
    check(scenarios.events(system, 40))


def test_killed_lambdas_lose_nothing(system: System, data_set: Path) -> None:
    check(scenarios.kills(system, 40, data_set / "mammography-views" / "test"))


def test_restarted_emulator_loses_nothing(system: System) -> None:
    check(scenarios.restarts(system, 60))


def test_failing_endpoint_loses_nothing(system: System) -> None:
    check(serving.endpoint(system, 45))


def test_archive_whose_emulator_is_killed_is_classified_once(system: System) -> None:
    check(archive.archive(system, 50))


def test_full_disk_loses_nothing(system: System) -> None:
    check(disk.full_disk(system, 20))


def test_mixed_traffic_loses_nothing(system: System) -> None:
    check(traffic.mixed_traffic(system, 20, looks=10))
