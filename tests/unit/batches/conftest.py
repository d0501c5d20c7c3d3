"""Fixtures of these tests."""

from tests.unit.pipeline.conftest import pipeline

__all__ = ["pipeline"]
