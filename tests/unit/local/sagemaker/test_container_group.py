"""The containers of a job run together, and end together."""

import sys
import time
from pathlib import Path

from local.sagemaker.container_group import ContainerGroup
from local.sagemaker.containers import Container


def start(tmp_path: Path, program: str) -> Container:
    return Container([sys.executable, "-c", program], tmp_path, {}, lambda _line: None)


def wait(group: ContainerGroup) -> int:
    end = time.monotonic() + 60
    while (status := group.wait(0.1)) is None:
        assert time.monotonic() < end
    return status


def test_group_ends_when_all_containers_have_ended(tmp_path: Path) -> None:
    waiting = start(
        tmp_path,
        f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.1)",
    )
    group = ContainerGroup([start(tmp_path, ""), waiting])

    assert group.wait(1) is None

    (tmp_path / "go").touch()
    assert wait(group) == 0


def test_failure_of_one_container_ends_the_others(tmp_path: Path) -> None:
    forever = start(tmp_path, "import time; time.sleep(600)")

    group = ContainerGroup([forever, start(tmp_path, "raise SystemExit(7)")])

    assert wait(group) == 7
    assert group.failed == 1
    assert not forever.running
