"""The short form of every scenario; `make soak` runs the long one."""

from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.soak import disk, scenarios, serving, traffic
from tests.soak.report import Report, table
from tests.soak.system import System


@pytest.fixture
def system(stack: LocalStack) -> System:
    return System(stack, print)


def check(report: Report) -> None:
    print(table([report]))
    assert report.problems == []


@pytest.mark.parametrize(("images", "reserved"), [(200, None), (40, 1)])
def test_images_dropped_at_once(system: System, images: int, reserved: int | None) -> None:
    check(scenarios.burst(system, images, reserved))


def test_events_astray(system: System) -> None:
    check(scenarios.events(system, 40))


def test_lambdas_killed(system: System, data_set: Path) -> None:
    check(scenarios.kills(system, 40, data_set / "mammography-views" / "test"))


def test_emulator_restarted(system: System) -> None:
    check(scenarios.restarts(system, 60))


def test_endpoint_in_trouble(system: System) -> None:
    check(serving.endpoint(system, 45))


def test_no_room_for_temporary_files(system: System) -> None:
    check(disk.full_disk(system, 20))


def test_mixed_traffic(system: System) -> None:
    check(traffic.mixed_traffic(system, 20, looks=10))
