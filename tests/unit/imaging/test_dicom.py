"""DICOM files: grey levels as a viewer shows them, every transfer syntax, and no identity."""

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, HTJ2KLossless, RLELossless

from chalicelib import errors, imaging
from chalicelib.imaging.dicom import decoder, elements
from chalicelib.tasks import InputSpec
from tests import images
from tests.compression import compressed

GREY = InputSpec(width=64, height=96, channels=1, fit="pad")
RGB = InputSpec(width=64, height=96, channels=3, fit="pad")
TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def prepared(data: bytes, spec: InputSpec = GREY) -> NDArray[np.uint8]:
    return imaging.prepare(data, spec).pixels


def twelve_bits(low: int = 0, high: int = 4095) -> NDArray[np.uint16]:
    return images.gradient(low=low, high=high).astype(np.uint16)


def linear_window(values: NDArray[Any], centre: float, width: float) -> NDArray[np.float64]:
    """The formula of PS3.3 C.11.2.1.2.1."""
    x = values.astype(float)
    y = ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255
    y[x <= centre - 0.5 - (width - 1) / 2] = 0
    y[x > centre - 0.5 + (width - 1) / 2] = 255
    return y


def test_linear_window_follows_the_standard() -> None:
    array = prepared(images.dicom(twelve_bits(), WindowCenter=2000, WindowWidth=1000))[0]
    np.testing.assert_allclose(array, linear_window(twelve_bits(), 2000, 1000), atol=0.51)


def test_first_of_several_windows_is_used() -> None:
    one = images.dicom(twelve_bits(), WindowCenter=2000, WindowWidth=1000)
    two = images.dicom(twelve_bits(), WindowCenter=[2000, 100], WindowWidth=[1000, 50])
    np.testing.assert_array_equal(prepared(one), prepared(two))


def test_sigmoid_window_follows_the_standard() -> None:
    data = images.dicom(twelve_bits(), WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID")
    expected = 255 / (1 + np.exp(-4 * (twelve_bits().astype(float) - 2000) / 1000))
    np.testing.assert_allclose(prepared(data)[0], expected, atol=0.51)


def test_voi_lookup_table_comes_before_the_window() -> None:
    lut = Dataset()
    lut.LUTDescriptor = [4096, 0, 12]
    lut.LUTData = np.array([4095 - value for value in range(4096)], "<u2").tobytes()
    data = images.dicom(twelve_bits(), VOILUTSequence=Sequence([lut]), WindowCenter=1, WindowWidth=2)
    np.testing.assert_allclose(prepared(data)[0], 255 - twelve_bits() / 4095 * 255, atol=1)


def test_rescale_slope_and_intercept_come_before_the_window() -> None:
    data = images.dicom(
        twelve_bits(), RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=1000, WindowWidth=2000
    )
    expected = linear_window(twelve_bits().astype(float) * 2 - 1000, 1000, 2000)
    np.testing.assert_allclose(prepared(data)[0], expected, atol=0.51)


def test_monochrome1_is_inverted() -> None:
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    two = prepared(images.dicom(twelve_bits(), **window))
    one = prepared(images.dicom(twelve_bits(), photometric="MONOCHROME1", **window))
    np.testing.assert_array_equal(one, 255 - two)


def test_monochrome1_padding_stays_black() -> None:
    square = images.gradient(64, 64, high=4095).astype(np.uint16)
    image = imaging.prepare(images.dicom(square, photometric="MONOCHROME1"), GREY)
    assert image.box == (0, 16, 64, 64)
    assert image.pixels[0, :16].max() == 0


def test_missing_window_shows_the_full_range() -> None:
    array = prepared(images.dicom(twelve_bits(low=300, high=900)))[0]
    assert (array.min(), array.max()) == (0, 255)
    assert len(np.unique(array)) > 100


def test_invalid_window_is_ignored() -> None:
    np.testing.assert_array_equal(
        prepared(images.dicom(twelve_bits(), WindowCenter=100, WindowWidth=0)),
        prepared(images.dicom(twelve_bits())),
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_pixel_padding_does_not_affect_the_contrast(photometric: str) -> None:
    values = twelve_bits(low=1000, high=2000)
    padding = 0 if photometric == "MONOCHROME2" else 4095
    values[:, :20] = padding
    array = prepared(images.dicom(values, photometric, PixelPaddingValue=padding))[0]
    assert array[:, :19].max() == 0
    assert array[:, 21:].max() - array[:, 21:].min() > 200


def test_padding_range_is_padding() -> None:
    values = twelve_bits(low=1000, high=2000)
    values[:, :10], values[:, 10:20] = 0, 30
    array = prepared(images.dicom(values, PixelPaddingValue=0, PixelPaddingRangeLimit=50))[0]
    assert array[:, :19].max() == 0
    assert array[:, 21:].max() - array[:, 21:].min() > 200


def test_deep_colour_keeps_the_upper_byte() -> None:
    deep = images.colours().astype(np.uint16) * 257
    array = prepared(images.dicom(deep, "RGB", 16), RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())


def test_signed_pixels_are_read() -> None:
    values = images.gradient(low=-1000, high=1000).astype(np.int16)
    array = prepared(images.dicom(values, bits=16, WindowCenter=0, WindowWidth=1000))[0]
    np.testing.assert_allclose(array, linear_window(values, 0, 1000), atol=0.51)


def test_overlay_in_the_unused_bits_is_ignored() -> None:
    dataset = images.dicom_dataset(twelve_bits(), WindowCenter=2048, WindowWidth=4096)
    clean = prepared(images.dicom_file(dataset))
    words = np.frombuffer(dataset.PixelData, "<u2") | 0x8000
    dataset.PixelData = words.tobytes()
    np.testing.assert_array_equal(prepared(images.dicom_file(dataset)), clean)


def test_middle_frame_is_used_and_reported() -> None:
    frames = np.stack([np.full((96, 64), 500 * number, np.uint16) for number in range(7)])
    image = imaging.prepare(images.dicom(frames, WindowCenter=2048, WindowWidth=4096), GREY)
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


def test_rgb_is_read() -> None:
    array = prepared(images.dicom(images.colours(), "RGB", 8), RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())


def test_palette_colour_is_read() -> None:
    array = prepared((TEST_FILES / "examples_palette.dcm").read_bytes(), RGB)
    assert len({tuple(pixel) for pixel in array.reshape(3, -1).T}) > 100


LOSSLESS = {
    "RLE Lossless": gdcm.TransferSyntax.RLELossless,
    "JPEG Lossless": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "JPEG Lossless SV1": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
}


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
@pytest.mark.parametrize("kind", ["12 bits", "8 bits", "signed", "RGB", "YBR_FULL"])
def test_lossless_compression_keeps_all_values(syntax: int, kind: str) -> None:
    data = {
        "12 bits": lambda: images.dicom(twelve_bits(), WindowCenter=2048, WindowWidth=4096),
        "8 bits": lambda: images.dicom(images.gradient().astype(np.uint8), bits=8),
        "signed": lambda: images.dicom(images.gradient(low=-900, high=900).astype(np.int16), bits=16),
        "RGB": lambda: images.dicom(images.colours(), "RGB", 8),
        "YBR_FULL": lambda: images.dicom(images.colours(), "YBR_FULL", 8),
    }[kind]()
    spec = RGB if kind in ("RGB", "YBR_FULL") else GREY
    packed = compressed(data, syntax)
    assert packed != data
    np.testing.assert_allclose(
        prepared(packed, spec).astype(int), prepared(data, spec), atol=1 if kind == "YBR_FULL" else 0
    )


@pytest.mark.parametrize(
    "name", ["JPEGBaselineProcess1", "JPEGExtendedProcess2_4", "JPEG2000", "JPEGLSNearLossless"]
)
def test_lossy_compression_stays_close(name: str) -> None:
    data = images.dicom(images.gradient().astype(np.uint8), bits=8, WindowCenter=128, WindowWidth=256)
    packed = compressed(data, getattr(gdcm.TransferSyntax, name))
    np.testing.assert_allclose(prepared(packed).astype(int), prepared(data), atol=6)


def test_extended_jpeg_with_twelve_bits_is_read() -> None:
    """A file of a real device, because no free encoder writes this syntax."""
    image = imaging.prepare((TEST_FILES / "JPGExtended.dcm").read_bytes(), GREY)
    assert image.source.transfer_syntax == "JPEG Extended (Process 2 and 4)"
    assert len(np.unique(image.pixels)) > 50


def test_jpeg_2000_gets_the_sign_of_the_dicom_header() -> None:
    data = (TEST_FILES / "J2K_pixelrep_mismatch.dcm").read_bytes()
    dataset = pydicom.dcmread(BytesIO(data))
    native = images.dicom(
        pixel_array(dataset, decoding_plugin="pylibjpeg"),
        bits=16,
        RescaleSlope=dataset.RescaleSlope,
        RescaleIntercept=dataset.RescaleIntercept,
        **{key: dataset[key].value for key in ("WindowCenter", "WindowWidth") if key in dataset},
    )
    np.testing.assert_array_equal(prepared(data), prepared(native))


def test_unsupported_transfer_syntax_is_named() -> None:
    dataset = images.dicom_dataset(twelve_bits())
    dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
    with pytest.raises(
        errors.UnsupportedImage, match=r"High-Throughput JPEG 2000.*1\.2\.840\.10008\.1\.2\.4\.201"
    ):
        prepared(images.dicom_file(dataset))


def test_syntaxes_of_dicomsdl_are_refused_by_name_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = compressed(images.dicom(twelve_bits()), gdcm.TransferSyntax.JPEG2000Lossless)
    monkeypatch.setattr(decoder, "is_available", lambda: False)
    with pytest.raises(errors.UnsupportedImage, match="JPEG 2000 Image Compression"):
        prepared(packed)


def test_deflated_bomb_is_refused_before_it_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = images.dicom_dataset(twelve_bits())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = images.dicom_file(dataset)
    monkeypatch.setattr(zlib, "decompress", lambda *_, **__: pytest.fail("the file was inflated"))
    monkeypatch.setattr(zlib, "decompressobj", lambda *_, **__: pytest.fail("the file was inflated"))
    with pytest.raises(errors.UnsupportedImage, match="Deflated"):
        prepared(data)


def test_file_without_preamble_is_read() -> None:
    data = images.dicom(twelve_bits(), WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_array_equal(prepared(data[132:]), prepared(data))


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


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_frame_larger_than_in_its_header_is_refused(syntax: int) -> None:
    dataset = pydicom.dcmread(BytesIO(compressed(images.dicom(twelve_bits()), syntax)))
    dataset.Rows = dataset.Columns = 16
    with pytest.raises(errors.DamagedImage):
        prepared(images.dicom_file(dataset))


def test_missing_samples_per_pixel_does_not_reach_the_decoder() -> None:
    """The decoder used to write three planes into memory for one."""
    dataset = pydicom.dcmread(
        BytesIO(
            compressed(images.dicom(images.colours(), "RGB", 8), gdcm.TransferSyntax.JPEGLosslessProcess14_1)
        )
    )
    del dataset.SamplesPerPixel
    with pytest.raises(errors.DamagedImage):
        prepared(images.dicom_file(dataset))


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize(("rows", "columns"), [(64, 63), (63, 64), (32, 40)])
def test_pixels_of_a_larger_image_are_refused(bits: int, rows: int, columns: int) -> None:
    pixels = np.full((64, 64), 77, np.uint8 if bits == 8 else np.uint16)
    with pytest.raises(errors.InvalidImage, match=rf"Rows {rows} and Columns {columns} need"):
        imaging.prepare(images.dicom(pixels, bits=bits, Rows=rows, Columns=columns), GREY)


def test_padding_after_the_pixels_is_ignored() -> None:
    dataset = images.dicom_dataset(np.full((64, 64), 77, np.uint16))
    plain = imaging.prepare(images.dicom_file(dataset), GREY)
    for padding in (bytes(4096), b"\x01" * 126):
        dataset.PixelData = dataset.PixelData[:8192] + padding
        assert np.array_equal(imaging.prepare(images.dicom_file(dataset), GREY).pixels, plain.pixels)


def test_source_has_only_the_listed_facts() -> None:
    source = imaging.prepare(
        images.dicom(twelve_bits(), ImageLaterality="L", ViewPosition="MLO", AccessionNumber="A-4711"), GREY
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
    source = imaging.prepare(images.dicom(twelve_bits(), **code), GREY).source.to_dict()
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
        image = imaging.prepare(images.dicom(twelve_bits(), **code), GREY)
        assert image.source.to_dict()[fact] == value


def test_patient_attributes_are_never_parsed() -> None:
    file = elements.read(images.dicom(twelve_bits()))
    assert images.PATIENT not in str(file.dataset)
    assert "PatientID" not in file.dataset
    assert "InstitutionName" not in file.dataset
    assert file.dataset.Rows == 96


def test_examples_of_pydicom_are_read_or_refused_with_a_message() -> None:
    read, refused = 0, []
    for path in sorted(TEST_FILES.rglob("*.dcm")):
        try:
            imaging.prepare(path.read_bytes(), GREY)
            read += 1
        except errors.ImageError as error:
            refused.append(error.message)
    assert read >= 50
    assert all(refused)
