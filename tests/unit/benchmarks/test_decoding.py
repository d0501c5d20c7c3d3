from pathlib import Path

import pytest

from benchmarks import decoding
from benchmarks.plan import Plan


def test_sizes_and_a_new_child_have_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "SIDES", (16, 24))
    section = decoding.measure(Plan(tmp_path, quick=True, say=lambda text: None))
    assert [row[0] for row in section.rows] == [
        "JPEG 2000, 16 x 16",
        "JPEG 2000, 24 x 24",
        "JPEG 2000, 16 x 16, new child process",
    ]
    for _, child, here, more, _ in section.rows:
        assert isinstance(child, float)
        assert isinstance(here, float)
        assert more == pytest.approx(child - here)
