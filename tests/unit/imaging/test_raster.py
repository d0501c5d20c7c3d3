"""Each raster format has its decoder."""

import pytest

from chalicelib.imaging import raster
from chalicelib.tasks import InputSpec
from tests import images

SPEC = InputSpec(64, 96, 1, "stretch")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_format_is_decoded_by_its_own_reader(kind: str) -> None:
    assert raster.decode(images.grey_file(kind), kind, SPEC).source.format == kind


def test_unknown_format_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="DICOM"):
        raster.decode(images.grey_file(), "DICOM", SPEC)
