"""Pictures of the frames of a file: which are made, and what they show."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from chalicelib.imaging import display_picture, frame_pictures, prepare
from chalicelib.imaging.decoded import Source
from chalicelib.imaging.display_picture import DisplayPicture
from chalicelib.tasks import InputSpec
from tests import images
from tests.tiff_files import Page, tiff

SPEC = InputSpec(32, 32, 1, "pad")


def make(data: bytes, seconds: float = 60.0) -> dict[int, DisplayPicture]:
    return frame_pictures.make(data, prepare(data, SPEC).source, display_picture.make(data), seconds)


@pytest.mark.parametrize("frames", [2, 3, 10, 63, 64])
def test_all_frames_get_a_picture_if_they_are_few(frames: int) -> None:
    assert sorted(frame_pictures.numbers(frames)) == list(range(1, frames + 1))


@pytest.mark.parametrize("frames", [65, 100, 300, 1_000_000])
def test_frames_are_evenly_spaced_if_they_are_many(frames: int) -> None:
    numbers = frame_pictures.numbers(frames)
    assert len(set(numbers)) == 64
    assert frames // 2 + 1 in numbers  # the one that is classified
    for made in (4, 16, 64):
        gaps = np.diff([*sorted(numbers[:made]), frames + 1])
        assert gaps.max() - gaps.min() <= 1


def test_frames_of_dicom_show_their_own_pixels() -> None:
    data = images.film(4)
    made = make(data)
    assert list(made) == [1, 2, 3, 4]
    assert made[3] == display_picture.make(data)
    darkest = [picture.grey.intercept for picture in made.values() if picture.grey]
    assert darkest == [0, 50, 100, 150]


def test_pages_of_tiff_show_their_own_pixels() -> None:
    pages = [Page(np.full((16, 12), 40 * number, "u1")) for number in range(5)]
    made = make(tiff(*pages))
    levels = [np.asarray(Image.open(BytesIO(picture.content))).max() for picture in made.values()]
    assert levels == [0, 40, 80, 120, 160]


def test_single_images_have_no_frames() -> None:
    for data in (images.grey_file(), images.dicom(images.gradient().astype("u2")), images.grey_file("TIFF")):
        assert make(data) == {}


def test_unreadable_frame_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = display_picture.make

    def damaged(data: bytes, decoded: None = None, frame: int | None = None) -> DisplayPicture:
        if frame == 2:
            raise MemoryError(images.PATIENT)
        return whole(data, decoded, frame)

    monkeypatch.setattr(display_picture, "make", damaged)
    assert list(make(images.film(4))) == [1, 3, 4]


def test_frames_end_when_time_or_room_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images.film(9)
    assert list(make(data, seconds=-1.0)) == [5]  # only the one that was made before
    sizes = {number: len(picture.content) for number, picture in make(data).items()}
    monkeypatch.setattr(frame_pictures, "MAX_BYTES", sizes[1] + sizes[3] + sizes[5])
    assert list(make(data)) == [1, 3, 5]


def test_source_without_frames_reads_nothing() -> None:
    picture = display_picture.make(images.grey_file())
    assert frame_pictures.make(b"not read", Source("PNG", rows=9, columns=9), picture, 60.0) == {}
