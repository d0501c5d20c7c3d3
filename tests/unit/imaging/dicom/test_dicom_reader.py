"""DICOM files as a whole: the right frame, the right facts, and no identity."""

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import HTJ2KLossless, RLELossless

from chalicelib import errors, imaging
from tests import images
from tests.unit.imaging.dicom.samples import PORTRAIT, TEST_FILES, corners, prepared, twelve_bits


def test_identity_in_a_uid_is_not_quoted() -> None:
    data = images.structured_report()
    place = data.rindex(b"1.2.840.10008.5.1.4.1.1.88.11")
    with pytest.raises(errors.NoPixels, match=r"holds no image\. Send") as caught_too:
        corners(data[:place] + b"Doe^Jane^Unmistakable".ljust(29) + data[place + 29 :])
    assert "DOE" not in caught_too.value.message.upper()


def test_monochrome1_padding_stays_black() -> None:
    square = images.gradient(64, 64, high=4095).astype(np.uint16)
    image = imaging.prepare(images.dicom(square, photometric="MONOCHROME1"), PORTRAIT)
    assert image.box == (0, 16, 64, 64)
    assert image.pixels[0, :16].max() == 0


def test_middle_frame_is_used_and_reported() -> None:
    frames = np.stack([np.full((96, 64), 500 * number, np.uint16) for number in range(7)])
    image = imaging.prepare(images.dicom(frames, WindowCenter=2048, WindowWidth=4096), PORTRAIT)
    assert (image.source.frame, image.source.frames) == (4, 7)
    np.testing.assert_allclose(image.pixels, 1500 / 4096 * 255, atol=1)


def test_enhanced_multi_frame_uses_the_window_of_the_frame() -> None:
    def group(centre: float) -> Dataset:
        voi, frame = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 100
        frame.FrameVOILUTSequence = Sequence([voi])
        return frame

    frames = np.full((3, 96, 64), 1000, np.uint16)
    shown = images.dicom(frames, PerFrameFunctionalGroupsSequence=Sequence(map(group, (9, 1000, 9))))
    np.testing.assert_allclose(prepared(shown), 128, atol=2)


def test_unsupported_transfer_syntax_is_named() -> None:
    dataset = images.dicom_dataset(twelve_bits())
    dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
    with pytest.raises(
        errors.UnsupportedImage, match=r"High-Throughput JPEG 2000.*1\.2\.840\.10008\.1\.2\.4\.201"
    ):
        prepared(images.dicom_file(dataset))


def test_structured_report_is_refused_as_without_pixels() -> None:
    with pytest.raises(errors.NoPixels, match="Basic Text SR"):
        prepared(images.structured_report())


def test_dicomdir_is_refused_by_name() -> None:
    dataset = images.dicom_dataset(np.zeros((16, 16), np.uint16))
    for keyword in ("PixelData", "Rows", "Columns", "SOPClassUID"):
        delattr(dataset, keyword)
    dataset.DirectoryRecordSequence = Sequence([Dataset()])
    with pytest.raises(errors.NoPixels, match="This is a DICOMDIR"):
        prepared(images.dicom_file(dataset))


def test_truncated_file_is_reported_as_damaged() -> None:
    with pytest.raises(errors.DamagedImage):
        prepared(images.dicom(twelve_bits())[:-5000])


@pytest.mark.parametrize(
    ("rows", "columns", "error"), [(60_000, 60_000, errors.ImageTooLarge), (1, 1, errors.ImageTooSmall)]
)
def test_size_is_checked_before_decoding(rows: int, columns: int, error: type[Exception]) -> None:
    dataset = images.dicom_dataset(twelve_bits())
    dataset.Rows, dataset.Columns = rows, columns
    with pytest.raises(error):
        prepared(images.dicom_file(dataset))


def test_source_has_only_the_listed_facts() -> None:
    source = imaging.prepare(
        images.dicom(twelve_bits(), ImageLaterality="L", ViewPosition="MLO", AccessionNumber="A-4711"),
        PORTRAIT,
    ).source
    assert source.to_dict() == {
        "format": "DICOM",
        "rows": 96,
        "columns": 64,
        "modality": "MG",
        "laterality": "L",
        "view_position": "MLO",
        "transfer_syntax": "Explicit VR Little Endian",
    }


@pytest.mark.parametrize("value", ["MRS DOE 1955", "DOE", "JANE", "L DOE", "19551224", "X", "MA", "LEFT"])
@pytest.mark.parametrize("keyword", ["Modality", "ImageLaterality", "Laterality", "ViewPosition"])
def test_undefined_terms_are_dropped(keyword: str, value: str) -> None:
    code: dict[str, Any] = {keyword: value}
    source = imaging.prepare(images.dicom(twelve_bits(), **code), PORTRAIT).source.to_dict()
    assert value not in source.values()
    assert {"modality", "laterality", "view_position"} & set(source) == (
        set() if keyword == "Modality" else {"modality"}
    )


@pytest.mark.parametrize(
    ("keyword", "fact", "values"),
    [
        ("Modality", "modality", ["MG", "CR", "DX", "CT", "OPT", "SM", "US"]),
        ("ImageLaterality", "laterality", ["L", "R", "U", "B"]),
        ("Laterality", "laterality", ["L", "R"]),
        ("ViewPosition", "view_position", ["PA", "AP", "LL", "RL", "CC", "MLO", "XCCL"]),
    ],
)
def test_defined_terms_are_kept(keyword: str, fact: str, values: list[str]) -> None:
    for value in values:
        code: dict[str, Any] = {keyword: value}
        image = imaging.prepare(images.dicom(twelve_bits(), **code), PORTRAIT)
        assert image.source.to_dict()[fact] == value


def test_examples_of_pydicom_are_read_or_refused_with_a_message() -> None:
    read, refused = 0, []
    for path in sorted(TEST_FILES.rglob("*.dcm")):
        try:
            imaging.prepare(path.read_bytes(), PORTRAIT)
            read += 1
        except errors.ImageError as error:
            refused.append(error.message)
    assert read >= 50
    assert all(refused)
