"""Missing, malformed and contradictory attributes."""

from typing import Any

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests import images
from tests.unit.imaging.dicom.samples import AS_WINDOWED, SMALL, corners, quadrant_dataset, with_raw


@pytest.mark.parametrize(
    "keyword",
    ["Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
     "PixelRepresentation"],
)  # fmt: skip
def test_missing_element_is_named(keyword: str) -> None:
    with pytest.raises(errors.InvalidImage, match=rf"no usable {keyword} \(0028,0") as caught:
        corners(images.dicom_file(quadrant_dataset(**{keyword: None})))
    assert "damaged" not in caught.value.message


def test_all_missing_elements_are_named_at_once() -> None:
    with pytest.raises(errors.InvalidImage, match=r"Rows \(0028,0010\) and no BitsStored \(0028,0101\)"):
        corners(images.dicom_file(quadrant_dataset(Rows=None, BitsStored=None)))


@pytest.mark.parametrize("keyword", ["HighBit", "PlanarConfiguration", "NumberOfFrames", "WindowWidth"])
def test_optional_element_may_be_missing(keyword: str) -> None:
    made = quadrant_dataset()
    if keyword in made:
        delattr(made, keyword)
    assert len(set(corners(images.dicom_file(made)))) == 4


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"BitsAllocated": 12}, errors.UnsupportedImage, r"BitsAllocated \(0028,0100\).* 12"),
        ({"BitsStored": 17}, errors.InvalidImage, r"BitsStored \(0028,0101\).* 17"),
        ({"BitsStored": 0}, errors.InvalidImage, r"BitsStored"),
        ({"SamplesPerPixel": 3}, errors.InvalidImage, r"SamplesPerPixel .* contradicts .* MONOCHROME2"),
        ({"PhotometricInterpretation": "RGB"}, errors.InvalidImage, r"SamplesPerPixel .* contradicts .* RGB"),
        ({"PhotometricInterpretation": "CMYK"}, errors.UnsupportedImage, r"PhotometricInterpretation .*CMYK"),
        ({"PhotometricInterpretation": "YBR_PARTIAL_420"}, errors.UnsupportedImage, "YBR_PARTIAL_420"),
        ({"NumberOfFrames": 4}, errors.InvalidImage, r"PixelData \(7FE0,0010\).*2,048 bytes.*8,192"),
        ({"Rows": 64}, errors.InvalidImage, r"PixelData .* 2,048 bytes.*4,096"),
        ({"PixelData": b""}, errors.InvalidImage, r"PixelData .* 0 bytes"),
    ],
)
def test_contradiction_is_named(changes: dict[str, Any], error: type[errors.ImageError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        corners(images.dicom_file(quadrant_dataset(**changes)))
    assert "cut off" not in caught.value.message


@pytest.mark.parametrize("identity", [b"Doe^Jane^Un", b"DOE", b"DOE_JANE", b"19551224"])
def test_identity_in_photometric_interpretation_is_not_quoted(identity: bytes) -> None:
    data = images.dicom_file(quadrant_dataset())
    place = data.index(b"MONOCHROME2 ")
    with pytest.raises(errors.UnsupportedImage, match=r"PhotometricInterpretation .* is unknown") as caught:
        corners(data[:place] + identity.ljust(12) + data[place + 12 :])
    assert identity.decode() not in caught.value.message


@pytest.mark.parametrize("keyword", ["Rows", "SamplesPerPixel", "BitsAllocated", "BitsStored"])
def test_number_out_of_range_is_not_quoted(keyword: str) -> None:
    made = quadrant_dataset()
    made[keyword] = DataElement(keyword, "IS", "19551224")
    with pytest.raises(errors.InvalidImage, match=rf"no usable {keyword}") as caught:
        corners(images.dicom_file(made))
    assert "1955" not in caught.value.message


SQUARE = InputSpec(96, 96, 1, "pad")


@pytest.mark.parametrize(
    ("keyword", "value", "box"),
    [
        ("PixelSpacing", [0.2, 0.1], (24, 0, 48, 96)),
        ("PixelSpacing", [0.1, 0.2], (0, 24, 96, 48)),
        ("ImagerPixelSpacing", [0.2, 0.1], (24, 0, 48, 96)),
        ("NominalScannedPixelSpacing", [0.2, 0.1], (24, 0, 48, 96)),
        ("PixelAspectRatio", [2, 1], (24, 0, 48, 96)),
        ("PixelAspectRatio", [1, 1], (0, 0, 96, 96)),
        ("PixelSpacing", [0.1, 0.1004], (0, 0, 96, 96)),
        ("PixelSpacing", [0, 0.1], (0, 0, 96, 96)),
        ("PixelSpacing", [1, 1000], (0, 0, 96, 96)),
        ("PixelAspectRatio", [-2, 1], (0, 0, 96, 96)),
    ],
)
def test_non_square_pixels_are_stretched(
    keyword: str, value: list[float], box: tuple[int, int, int, int]
) -> None:
    image = imaging.prepare(images.dicom_file(quadrant_dataset(**{keyword: value})), SQUARE)
    assert image.box == box
    assert (image.source.rows, image.source.columns) == (32, 32)
    assert imaging.prepare(images.dicom_file(quadrant_dataset(**{keyword: value})), SMALL).box == (
        0,
        0,
        32,
        32,
    )


def test_spacing_takes_precedence_over_the_ratio() -> None:
    both = quadrant_dataset(PixelSpacing=[0.1, 0.1], PixelAspectRatio=[2, 1])
    assert imaging.prepare(images.dicom_file(both), SQUARE).box == (0, 0, 96, 96)
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = [0.2, 0.1]
    group.PixelMeasuresSequence = Sequence([measures])
    enhanced = quadrant_dataset(SharedFunctionalGroupsSequence=Sequence([group]))
    assert imaging.prepare(images.dicom_file(enhanced), SQUARE).box == (24, 0, 48, 96)


@pytest.mark.parametrize(
    ("elements", "spacing"),
    [
        ({"PixelSpacing": [0.15, 0.1]}, [0.15, 0.1]),
        ({"ImagerPixelSpacing": ["0.143000001", "0.143"]}, [0.143, 0.143]),
        ({"PixelSpacing": [0.5, 0.5], "ImagerPixelSpacing": [0.6, 0.6]}, [0.5, 0.5]),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.6, 0.6]}, [0.6, 0.6]),
        ({"PixelSpacing": [19551224, 19551224]}, None),
        ({"PixelSpacing": [0.1, 10]}, None),
        ({"PixelSpacing": "0.1"}, None),
        ({"NominalScannedPixelSpacing": [0.1, 0.1], "PixelAspectRatio": [1, 1]}, None),
        ({}, None),
    ],
)
def test_spacing_is_that_of_the_pixels_if_it_is_plausible(
    elements: dict[str, Any], spacing: list[float] | None
) -> None:
    source = imaging.prepare(images.dicom_file(quadrant_dataset(**elements)), SQUARE).source
    assert source.to_dict().get("pixel_spacing") == spacing


def test_spacing_of_an_enhanced_file_is_in_its_functional_groups() -> None:
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = [0.25, 0.25]
    group.PixelMeasuresSequence = Sequence([measures])
    enhanced = quadrant_dataset(SharedFunctionalGroupsSequence=Sequence([group]))
    assert imaging.prepare(images.dicom_file(enhanced), SQUARE).source.pixel_spacing == [0.25, 0.25]


def test_decimal_comma_is_read() -> None:
    data = with_raw("WindowCenter", "DS", b"2048,0 ", WindowWidth=4096)
    assert corners(data) == AS_WINDOWED
