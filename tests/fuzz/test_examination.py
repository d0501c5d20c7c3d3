"""Every broken promise is noticed, on a target that breaks them on purpose."""

from collections.abc import Iterator

import pytest

from tests.fuzz import examination
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
        ("escape", "escape", "KeyError"),
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


def test_after_a_fault_it_goes_on(faulty: Examiner) -> None:
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
