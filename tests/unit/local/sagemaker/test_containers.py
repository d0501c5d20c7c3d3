"""Programs that stand for containers."""

import sys
import time
from pathlib import Path

import pytest

from local.sagemaker.containers import Container, inherited_environment

STUBBORN = """
import signal, subprocess, time
child = subprocess.Popen(["sleep", "60"])
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print(child.pid, flush=True)
while True:
    time.sleep(1)
"""


def container(tmp_path: Path, program: str) -> tuple[Container, list[str]]:
    """A running program and its output lines."""
    lines: list[str] = []
    return Container([sys.executable, "-c", program], tmp_path, {}, lines.append), lines


def wait_for_line(lines: list[str]) -> str:
    deadline = time.monotonic() + 120
    while not lines and time.monotonic() < deadline:
        time.sleep(0.02)
    return lines[0]


def test_container_is_killed_with_its_children_after_the_grace_period(tmp_path: Path) -> None:
    stubborn, lines = container(tmp_path, STUBBORN)
    child = int(wait_for_line(lines))

    stubborn.terminate(grace=0.5)
    status = stubborn.wait(20)

    assert status == -9
    assert "no" in lines
    assert not is_running(child)


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
    ],
)
def test_exit_status_is_that_of_the_program(tmp_path: Path, program: str, status: int) -> None:
    assert container(tmp_path, program)[0].wait(20) == status


def test_output_is_complete_when_wait_returns(tmp_path: Path) -> None:
    printing, lines = container(
        tmp_path, "print('x\\n' * 5000 + 'ende \\udce4'.encode('utf-8', 'replace').decode())"
    )

    assert printing.wait(20) == 0
    assert len(lines) == 5001


def test_containers_do_not_inherit_the_emulators_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the developer")
    printing, lines = container(tmp_path, "import os; print('AWS_SECRET_ACCESS_KEY' in os.environ)")

    assert printing.wait(20) == 0
    assert lines == ["False"]


def test_containers_inherit_the_number_of_threads_and_nothing_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "private")

    inherited = inherited_environment()

    assert inherited["OMP_NUM_THREADS"] == "3"
    assert "AWS_SECRET_ACCESS_KEY" not in inherited
