"""Every broken promise is noticed, on a target that breaks them on purpose."""

import errno
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz import examination, processes
from tests.fuzz.examination import Decoder, Examiner, Finding


@pytest.fixture(scope="module")
def faulty() -> Iterator[Examiner]:
    with Examiner("faulty") as examiner:
        yield examiner


def ask(examiner: Examiner, fault: str) -> None:
    examiner.compare(fault.encode(), 3, b"", b"")


@pytest.mark.parametrize(
    ("fault", "kind", "detail"),
    [
        ("crash", "crash", "SIGSEGV"),
        ("exit", "crash", "exit status 3"),
        ("die", "crash", r"malloc\(\): invalid size\n.*exit status 3"),
        ("escape", "escape", "KeyError"),
        ("leave", "escape", "SystemExit"),
        ("not JSON", "escape", "not JSON serializable"),
        ("memory", "memory", "asked for"),
        ("leak", "leak", "names the patient"),
        ("log", "leak", "names the patient"),
        ("trace", "message", "Traceback"),
        ("long", "message", "word word"),
        ("control", "message", "x00"),
        ("server", "message", "500"),
        ("differs", "differs", "sha256"),
        ("shape", "shape", "float32"),
    ],
)
def test_fault_is_found(faulty: Examiner, fault: str, kind: str, detail: str) -> None:
    with pytest.raises(Finding, match=detail) as found:
        ask(faulty, fault)
    assert found.value.kind == kind


@pytest.mark.parametrize("fault", ["escape", "leave"])
def test_exception_from_the_image_before_is_reported(faulty: Examiner, fault: str) -> None:
    with pytest.raises(Finding, match=fault if fault == "escape" else "SystemExit") as found:
        faulty.compare(b"fine", 3, fault.encode(), fault.encode())
    assert found.value.kind == "escape"


def test_process_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "memory_limit", lambda: "much")
    decoder = Decoder("faulty")
    try:
        decoder.send(b"", b"fine", 3)
        with pytest.raises(Finding, match=r"ValueError.*'much'\n.*exit status 1") as found:
            decoder.receive(3)
    finally:
        decoder.close()
    assert found.value.kind == "crash"


def test_measurement_survives_threads_that_end_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What /proc says of a thread may be gone after it was listed; then stat fails with ESRCH, not ENOENT."""
    stat = os.stat

    def ended(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if str(path).startswith("/proc/"):
            raise ProcessLookupError(errno.ESRCH, "No such process", str(path))
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", ended)
    assert processes.family(os.getpid())[0] == os.getpid()


def test_examiner_goes_on_after_a_fault(faulty: Examiner) -> None:
    with pytest.raises(Finding):
        ask(faulty, "crash")
    ask(faulty, "fine")


def test_endless_work_is_found(faulty: Examiner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "MAX_SECONDS", 0.2)
    with pytest.raises(Finding, match="processor time") as found:
        ask(faulty, "hang")
    assert found.value.kind == "hang"


def test_too_much_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder("faulty")
    try:
        decoder.send(b"", b"fine", 3)
        decoder.receive(3)
        monkeypatch.setattr(examination, "memory_limit", lambda: 200)
        decoder.send(b"", b"large", 3)
        with pytest.raises(Finding, match="of 200") as found:
            decoder.receive(3)
    finally:
        decoder.close()
    assert found.value.kind == "memory"


def test_memory_that_was_never_written_is_found() -> None:
    """What a decoder leaves out of a buffer that malloc gave it: the fills of the two processes differ."""
    with Examiner("faulty") as examiner, pytest.raises(Finding, match="sha256") as found:
        ask(examiner, "unwritten")
    assert found.value.kind == "differs"
