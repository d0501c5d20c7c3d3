"""Display pictures show what the model sees, with all colours and depths, and hold nothing but pixels."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from chalicelib import imaging
from chalicelib.imaging import display_picture
from chalicelib.imaging.display_picture import MAX_SIDE, DisplayPicture
from chalicelib.tasks import InputSpec
from tests import images
from tests.unit.imaging.dicom.samples import float_file

RAMP = images.gradient(96, 64, 0, 4095)
LATE_WINDOW: dict[str, Any] = {"WindowCenter": [2000, 3000], "WindowWidth": [1000, 200]}


def samples(picture: DisplayPicture) -> NDArray[Any]:
    """The samples of the file."""
    with Image.open(BytesIO(picture.content)) as image:
        assert image.format == picture.media_type.removeprefix("image/").upper()
        assert image.size == (picture.width, picture.height)
        return np.asarray(image)


def shown(picture: DisplayPicture, window: int = 0) -> NDArray[np.float64]:
    """The grey levels that a viewer shows with one of the windows."""
    assert picture.grey
    values = samples(picture) * picture.grey.slope + picture.grey.intercept
    bounds = picture.grey.windows[window]
    levels = ((values - bounds.low) / (bounds.high - bounds.low) * 255).clip(0, 255)
    return 255 - levels if picture.grey.inverted else levels


def levels_for_model(data: bytes, picture: DisplayPicture) -> NDArray[np.uint8]:
    """What a model of the picture's size gets."""
    prepared = imaging.prepare(data, InputSpec(picture.width, picture.height, 1, "stretch"))
    levels: NDArray[np.uint8] = prepared.pixels[0]
    return levels


def test_picture_without_a_window_has_the_contrast_of_the_file() -> None:
    values = images.quadrants([1000, 2000, 2000, 3000], "u2", MAX_SIDE * 2)
    values[::32], values[16::32] = 0, 4000
    data = images.dicom(values)
    picture = display_picture.make(data)
    assert picture.grey
    (window,) = picture.grey.windows
    assert (window.low, window.high) == (0, 4000)
    prepared = imaging.prepare(data, InputSpec(64, 64, 1, "stretch"))
    assert abs(shown(picture).mean() - prepared.pixels.mean()) < 1


LUT = Dataset()
LUT.LUTDescriptor = [4096, 0, 12]
LUT.LUTData = np.square(np.arange(4096) / 64).astype("<u2").tobytes()


@pytest.mark.parametrize(
    "data",
    [
        images.dicom(RAMP.astype("u2"), **LATE_WINDOW),
        images.dicom(RAMP.astype("u2")),
        images.dicom(RAMP.astype("u2"), "MONOCHROME1", **LATE_WINDOW),
        images.dicom((RAMP - 1000).astype("i2"), bits=16, WindowCenter=40, WindowWidth=400),
        images.dicom(
            RAMP.astype("u2"), RescaleSlope=0.5, RescaleIntercept=-200, WindowCenter=800, WindowWidth=300
        ),
        images.dicom(RAMP.astype("u2"), VOILUTFunction="SIGMOID", WindowCenter=2000, WindowWidth=1000),
        images.dicom(RAMP.astype("u2"), WindowCenter=2000, WindowWidth=1),
        images.dicom(RAMP.astype("u2"), VOILUTSequence=Sequence([LUT]), **LATE_WINDOW),
        images.dicom(RAMP.astype("u2"), PixelSpacing=[0.2, 0.1], **LATE_WINDOW),
        images.encode(Image.fromarray(RAMP.astype("u2")), "PNG"),
        images.encode(Image.fromarray(RAMP.astype("u2")), "TIFF"),
    ],
    ids=[
        "window", "no window", "inverted", "signed", "rescaled", "sigmoid", "threshold", "table", "oblong",
        "PNG", "TIFF",
    ],
)  # fmt: skip
def test_picture_shows_what_the_model_sees(data: bytes) -> None:
    picture = display_picture.make(data)
    np.testing.assert_allclose(shown(picture), levels_for_model(data, picture), atol=0.6)


def test_deep_values_are_kept_exactly_and_every_window_is_offered() -> None:
    pixels = RAMP.astype("u2")
    picture = display_picture.make(
        images.dicom(pixels, WindowCenterWidthExplanation=["BONE", "Jane Doe"], **LATE_WINDOW)
    )
    assert picture.grey
    np.testing.assert_array_equal(samples(picture) * picture.grey.slope + picture.grey.intercept, pixels)
    assert [(window.low, window.high, window.name) for window in picture.grey.windows] == [
        (1500, 2499, "BONE"),
        (2900, 3099, None),
    ]


def test_eight_bits_suffice_for_few_values() -> None:
    picture = display_picture.make(images.dicom(images.gradient().astype("u1"), bits=8))
    assert samples(picture).dtype == np.uint8
    assert picture.grey


def test_outliers_do_not_take_the_depth_of_the_window() -> None:
    pixels = np.full((16, 16), 1000, np.float32)
    pixels[:, 8:], pixels[0, 0] = 1001, 1e9
    dataset = images.dicom_dataset(np.zeros((16, 16), "u2"), WindowCenter=1000.5, WindowWidth=4)
    data = float_file(dataset, pixels)
    picture = display_picture.make(data)
    np.testing.assert_allclose(shown(picture), levels_for_model(data, picture), atol=0.6)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(96, 64, (64, 96)), (3000, 1500, (1024, 2048)), (10, 4096, (2048, 5)), (2048, 2048, (2048, 2048))],
)
def test_longest_side_is_bounded_and_nothing_is_enlarged(
    height: int, width: int, size: tuple[int, int]
) -> None:
    for data in (
        images.dicom(images.gradient(height, width).astype("u2")),
        images.grey_file("JPEG", height, width),
    ):
        picture = display_picture.make(data)
        assert (picture.width, picture.height) == size
        assert max(samples(picture).shape) == max(size) <= MAX_SIDE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "DICOM"])
def test_colours_are_kept_though_the_model_takes_grey(kind: str) -> None:
    colours = images.colours()
    data = (
        images.dicom(colours, "RGB", 8)
        if kind == "DICOM"
        else images.encode(Image.fromarray(colours), kind, **({"quality": 95} if kind == "JPEG" else {}))
    )
    _, decoded = imaging.prepare_and_decode(data, InputSpec(32, 32, 1, "pad"))
    assert not display_picture.shows_all(decoded, InputSpec(32, 32, 1, "pad"))
    picture = display_picture.make(data)
    assert picture.media_type == ("image/jpeg" if kind == "JPEG" else "image/png")
    np.testing.assert_allclose(samples(picture).astype(int), colours, atol=12 if kind == "JPEG" else 0)


def test_large_photographs_are_jpegs() -> None:
    picture = display_picture.make(images.grey_file("PNG", 1500, 3000))
    assert picture.media_type == "image/jpeg"
    assert samples(picture).ndim == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_decoded_image_is_used_if_it_shows_all(channels: int) -> None:
    spec = InputSpec(32, 32, channels, "pad")
    for data in (images.dicom(RAMP.astype("u2")), images.encode(Image.fromarray(RAMP.astype("u2")), "PNG")):
        _, decoded = imaging.prepare_and_decode(data, spec)
        assert display_picture.shows_all(decoded, spec)
        assert display_picture.make(b"not read again", decoded) == display_picture.make(data)


def test_picture_stands_upright_as_the_model_input_does() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = images.encode(Image.fromarray(images.colours(40, 80)), "JPEG", exif=exif)
    picture = display_picture.make(data)
    assert (picture.width, picture.height) == (40, 80)
    upright = np.rot90(images.colours(40, 80), -1)
    np.testing.assert_allclose(samples(picture).mean(axis=2), upright.mean(axis=2), atol=9)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_file_holds_nothing_but_pixels(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = images.PATIENT
    picture = Image.fromarray(images.colours())
    data = images.encode(picture, kind, exif=exif, dpi=(300, 300), icc_profile=b"Unmistakable profile")
    content = display_picture.make(data).content
    for trace in (b"Unmistakable", b"Exif", b"eXIf", b"pHYs", b"iCCP", b"ICC_PROFILE"):
        assert trace not in content
    assert b"Unmistakable" not in display_picture.make(images.dicom(RAMP.astype("u2"))).content
