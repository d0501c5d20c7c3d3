import os
import platform
import socket
from pathlib import Path

from benchmarks import machine


def test_description_names_no_host(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Abacus 9000\nmodel name : other\n")
    text = machine.description(tmp_path / "cpuinfo")
    assert text.startswith(f"Abacus 9000, {len(os.sched_getaffinity(0))} core")
    assert socket.gethostname() not in text


def test_processor_without_a_name_is_its_architecture(tmp_path: Path) -> None:
    assert machine.processor(tmp_path / "missing") == platform.machine()


def test_load_is_a_number() -> None:
    assert machine.load() >= 0
