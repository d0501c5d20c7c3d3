"""What the tests of training share."""

from pathlib import Path

import pytest

from chalicelib.tasks import Task, load_task
from tests.training.samples import write_images


@pytest.fixture(scope="session")
def task() -> Task:
    """A real task with mirrored classes."""
    return load_task("mammography-views")


@pytest.fixture
def data_folder(tmp_path: Path, task: Task) -> Path:
    """A fresh labelled folder, which the test may change."""
    return write_images(tmp_path / "data", task.class_names)
