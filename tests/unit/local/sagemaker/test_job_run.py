"""The end of a job: the first reason to stop it counts."""

import sys
import time
from pathlib import Path

import pytest

from local.sagemaker.container_group import ContainerGroup
from local.sagemaker.containers import Container
from local.sagemaker.job_run import JobRun, StopReason


def test_first_stop_reason_counts(tmp_path: Path) -> None:
    run = JobRun(grace=0.1)
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    waiting = Container(program, tmp_path, {}, lambda _line: None)

    status = run.execute(ContainerGroup([waiting]), {StopReason.MAX_RUNTIME: time.monotonic() + 0.3})

    assert status != 0
    assert run.stop_reason is StopReason.MAX_RUNTIME
    assert not run.end(StopReason.REQUESTED)
    assert run.finish() is StopReason.MAX_RUNTIME


def test_finished_job_cannot_be_stopped() -> None:
    run = JobRun(grace=0.1)
    assert run.finish() is None

    assert not run.end(StopReason.REQUESTED, lambda: pytest.fail("it was noted as stopping"))
    assert run.stop_reason is None
