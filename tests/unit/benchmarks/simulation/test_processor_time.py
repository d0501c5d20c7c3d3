"""Processor time of processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.simulation import processor_time

WORK = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


def test_own_time_is_that_of_the_clock() -> None:
    begin = time.process_time()
    while time.process_time() - begin < 0.2:
        pass
    assert processor_time.seconds(os.getpid()) == pytest.approx(time.process_time(), abs=0.05)


def test_times_are_by_program_and_lambda() -> None:
    environment = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "negatoscope-local-decode"}
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        subprocess.Popen([sys.executable, "-c", WORK], env=environment, **pipe) as worker,  # type: ignore[call-overload]
    ):
        worker.stdout.readline()
        used = processor_time.of_system({"one": worker.pid})
        worker.communicate(b"\n")
    assert used == {"decode": pytest.approx(0.3, abs=0.1)}
    assert processor_time.seconds(worker.pid) == 0
    assert processor_time.function(worker.pid) == ""


def test_time_of_the_machine_is_without_that_in_which_it_waited(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 20 30 4000 500 6 7 8 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    ticks = 100 + 20 + 30 + 6 + 7 + 8  # guests, the last two, are a part of the first two
    assert processor_time.of_machine(tmp_path) == ticks / processor_time.TICKS
    assert processor_time.of_machine() > processor_time.seconds(os.getpid())


def test_names_of_programs_may_have_brackets_and_spaces(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    numbers = " ".join(map(str, range(4, 53)))  # the fields 4 to 52
    (tmp_path / "7" / "stat").write_text(f"7 (a (b) 9 9 c) S {numbers}\n")
    assert processor_time.seconds(7, tmp_path) == (14 + 15) / processor_time.TICKS
