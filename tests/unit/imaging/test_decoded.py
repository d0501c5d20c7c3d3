"""Limits and scales of every image."""

import pytest

from chalicelib import errors
from chalicelib.imaging import decoded


def test_largest_allowed_image_is_not_a_bomb() -> None:
    decoded.check_size(10_000, 10_000)
    with pytest.raises(errors.ImageTooLarge):
        decoded.check_size(10_000, 10_001)
