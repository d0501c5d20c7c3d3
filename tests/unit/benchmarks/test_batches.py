from pathlib import Path

import pytest

from benchmarks import batches
from benchmarks.plan import Plan
from chalicelib.tasks import load_tasks


def test_each_bundled_model_has_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = {name: load_tasks()[name] for name in ("mammography-views", "retinal-oct")}
    monkeypatch.setattr(batches, "load_tasks", lambda: tasks)
    section = batches.measure(Plan(tmp_path, quick=True, say=lambda text: None))
    assert [row[0] for row in section.rows] == [*tasks]
    assert all(isinstance(row[3], float) and row[3] > 0 for row in section.rows)
