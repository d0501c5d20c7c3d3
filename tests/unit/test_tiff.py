"""TIFF files as their writers make them: pages beside the image, and samples of every type."""

import struct
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib import errors, imaging
from chalicelib.imaging import tiff as tiff_module
from chalicelib.tasks import InputSpec

RAMP = InputSpec(width=32, height=8, channels=1, fit="stretch")

type Tags = dict[int, int]


def tiff(*pages: tuple[NDArray[np.generic], Tags], order: Literal["<", ">"] = "<") -> bytes:
    """A TIFF 6.0 file of uncompressed grey pages, each with further tags of type LONG."""
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for number, (samples, extra) in enumerate(pages):
        rows, columns = samples.shape
        tags = {
            256: columns,
            257: rows,
            258: samples.itemsize * 8,
            259: 1,
            262: 1,
            277: 1,
            278: rows,
            279: samples.nbytes,
        }
        tags |= {339: {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]} | extra
        directory_end = len(data) + 2 + 12 * (len(tags) + 1) + 4
        tags[273] = directory_end
        following = directory_end + samples.nbytes if number + 1 < len(pages) else 0
        data += struct.pack(order + "H", len(tags))
        for tag, value in sorted(tags.items()):
            short = 258 <= tag <= 262 or tag in (255, 277, 339)
            data += struct.pack(order + "HHI", tag, 3 if short else 4, 1)
            data += struct.pack(order + "HH", value, 0) if short else struct.pack(order + "I", value)
        data += (
            struct.pack(order + "I", following) + samples.astype(samples.dtype.newbyteorder(order)).tobytes()
        )
    return data


def levels(data: bytes) -> list[int]:
    """The grey levels of the four squares."""
    return [int(value) for value in imaging.prepare(data, RAMP).pixels[0, 0, ::8]]


def squares(values: list[int], dtype: type[np.generic] = np.uint8) -> NDArray[np.generic]:
    """Four squares of 8 x 8 pixels, side by side."""
    return np.array([values], dtype).repeat(8, axis=0).repeat(8, axis=1)


IMAGE = squares([0, 64, 128, 255])
OTHER = squares([9, 9, 9, 9])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.uint8, [0, 64, 128, 255]),
        (np.uint16, [0, 0x4040, 0x8080, 0xFFFF]),
        (np.uint32, [0, 0x40404040, 0x80808080, 0xFFFFFFFF]),
        (np.int8, [-128, -64, 0, 127]),
        (np.int16, [-0x8000, -0x3FC0, 0x80, 0x7FFF]),
        (np.int32, [-(2**31), -0x3FBFBFC0, 0x808080, 2**31 - 1]),
        (np.float32, [0, 64, 128, 255]),
    ],
)
def test_samples_of_every_type_keep_their_order(
    dtype: type[np.generic], values: list[int], order: Literal["<", ">"]
) -> None:
    if (dtype, order) == (np.uint32, ">"):
        with pytest.raises(errors.UnsupportedImage, match="32 bits a sample"):
            levels(tiff((squares(values, dtype), {}), order=order))
        return
    got = levels(tiff((squares(values, dtype), {}), order=order))
    np.testing.assert_allclose(got, [0, 64, 128, 255], atol=1)


@pytest.mark.parametrize("mark", [{254: 1}, {254: 4}, {254: 5}, {255: 2}], ids=str)
@pytest.mark.parametrize("image_first", [True, False])
def test_a_reduced_image_or_mask_is_not_the_image(mark: Tags, image_first: bool) -> None:
    pages = [(IMAGE, {254: 0}), (OTHER, mark), (OTHER, mark)]
    prepared = imaging.prepare(tiff(*(pages if image_first else pages[::-1])), RAMP)
    assert prepared.pixels[0, 0, ::8].tolist() == [0, 64, 128, 255]
    assert prepared.source.frames is None


def test_of_several_full_pages_the_middle_one_is_classified() -> None:
    data = tiff((OTHER, {}), (OTHER, {254: 1}), (IMAGE, {}), (OTHER, {254: 1}), (OTHER, {}))
    prepared = imaging.prepare(data, RAMP)
    assert prepared.pixels[0, 0, ::8].tolist() == [0, 64, 128, 255]
    assert (prepared.source.frame, prepared.source.frames) == (2, 3)


def test_too_many_pages_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_module, "_MAX_PAGES", 3)
    levels(tiff(*[(IMAGE, {})] * 3))
    with pytest.raises(errors.UnsupportedImage, match="more than 3 pages"):
        levels(tiff(*[(IMAGE, {})] * 4))


def test_what_cannot_be_read_is_named_and_not_called_damaged() -> None:
    with pytest.raises(errors.UnsupportedImage, match="64 bits a sample"):
        levels(tiff((squares([0, 64, 128, 255], np.float64), {})))


def test_a_mask_of_its_own_kind_behind_the_image_is_passed_over() -> None:
    assert levels(tiff((IMAGE, {}), (OTHER, {254: 4, 262: 4}))) == [0, 64, 128, 255]
