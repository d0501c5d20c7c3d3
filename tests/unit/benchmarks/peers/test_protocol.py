"""What a peer says on its standard output."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import protocol
from benchmarks.peers.framing import framed
from tests.images import grey_file


def test_peer_loads_at_the_first_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"12345")
    said = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", said)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{tmp_path}/image\n{tmp_path}/image\n"))
    loads: list[str] = []

    def load() -> protocol.Answer:
        loads.append(said.getvalue())
        return lambda data: str(len(data))

    protocol.serve(load)
    assert loads == ['{"imported": true}\n']
    answers = [json.loads(line) for line in said.getvalue().splitlines()[1:]]
    assert [answer["answer"] for answer in answers] == ["5", "5"]
    assert all(answer["ms"] > 0 and answer["peak_mb"] > 1 for answer in answers)


def test_frame_is_black_beside_the_image() -> None:
    frame = framed(grey_file("PNG", 40, 10), 20, 20)
    assert frame.shape == (1, 1, 20, 20)
    assert frame.dtype == np.uint8
    assert not frame[..., :7].any()
    assert frame[..., 7:12].any()
