"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest

from chalicelib.imaging.dicom import decoder


@pytest.fixture
def own_processes() -> Iterator[None]:
    """No process from other tests before, and none left behind."""
    decoder.stop_idle_processes()
    yield
    decoder.stop_idle_processes()
