"""Tags that say how samples are stored: contradictory and unsupported ones."""

from typing import Any

import pytest

from chalicelib import errors
from tests.tiff_files import LEVELS, Page, levels_file, tiff
from tests.unit.imaging.tiff.helpers import IMAGE, levels, refused


def test_predictor_without_compression_is_ignored() -> None:
    assert levels(levels_file(LEVELS, tags={317: 2})) == list(LEVELS)


def test_grey_with_several_samples_needs_extra_samples() -> None:
    with pytest.raises(errors.InvalidImage, match=r"ExtraSamples \(338\) .* is missing"):
        levels(levels_file([(0, 0), (1, 1), (2, 2), (3, 3)], tags={262: 1}))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({258: 64}, r"BitsPerSample \(258\) of this TIFF file is 64 and SampleFormat \(339\) is 1"),
        ({258: 24}, r"BitsPerSample \(258\) of this TIFF file is 24"),
        ({258: 64, 339: 2}, "is 64 .*signed"),
        ({258: 24, 339: 3}, "is 24 .*floating"),
        ({339: 4}, r"SampleFormat \(339\) of this TIFF file is 4 \(undefined\)"),
        ({339: 5}, r"5 \(complex integers\)"),
        ({258: 64, 339: 6}, r"6 \(complex numbers\)"),
        ({259: 2}, r"Compression \(259\) of this TIFF file is 2 \(CCITT modified Huffman\)"),
        ({259: 3}, "Group 3"),
        ({259: 4}, "Group 4"),
        ({259: 6}, "obsolete JPEG"),
        ({259: 33003}, "JPEG 2000"),
        ({259: 33005}, "JPEG 2000"),
        ({259: 34712}, "JPEG 2000"),
        ({259: 34887}, "LERC"),
        ({259: 50001}, "WebP"),
        ({259: 12345}, r"Compression \(259\) of this TIFF file is 12345, which"),
        ({262: 4}, r"PhotometricInterpretation \(262\) of this TIFF file is 4 \(a transparency mask\)"),
        ({262: 8, 277: 3}, "CIELab"),
        ({262: 9, 277: 3}, "ICCLab"),
        ({262: 10, 277: 3}, "ITULab"),
        ({262: 32803}, "colour filter array"),
        ({262: 32845}, "LogLuv"),
        ({262: 99}, r"is 99, which"),
        ({262: 5, 277: 4, 332: 2}, r"InkSet \(332\)"),
        ({259: 5, 317: 3}, r"Predictor \(317\) of this TIFF file is 3"),
        ({259: 7, 258: 12}, r"is 7 \(JPEG\) with 12 bits"),
        ({258: [8, 8, 16], 262: 2, 277: 3}, "differs between the samples"),
        ({277: 100}, r"SamplesPerPixel \(277\)"),
    ],
)
def test_unsupported_file_is_named_and_not_called_damaged(tags: Any, words: str) -> None:
    with pytest.raises(errors.UnsupportedImage, match=words) as caught:
        levels(levels_file(LEVELS, tags=tags))
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({256: 0}, r"ImageWidth \(256\) of this TIFF file is 0"),
        ({257: 0}, r"ImageLength \(257\) of this TIFF file is 0"),
        ({278: 0}, r"RowsPerStrip \(278\)"),
        ({278: 1}, r"StripOffsets \(273\) of this TIFF file lists 1 of 8 strips"),
        ({273: []}, "StripOffsets .* lists 0 of 1 strips"),
        ({278: 4, 273: [200, 300]}, "StripByteCounts .* lists 1 of 2 strips"),
        ({258: 0}, r"BitsPerSample \(258\) of this TIFF file is 0"),
        ({277: 3, 262: 2, 258: [8, 8]}, r"BitsPerSample .* has 2 values for 3 samples"),
        ({262: 2}, r"SamplesPerPixel \(277\) of this TIFF file is 1"),
        ({262: 3}, r"ColorMap \(320\) of this TIFF file has 0 entries"),
        ({284: 3}, r"PlanarConfiguration \(284\) of this TIFF file is 3"),
        ({266: 0}, r"FillOrder \(266\)"),
        ({339: 7}, r"SampleFormat \(339\) of this TIFF file is 7"),
        ({322: 16, 323: 0}, r"TileLength \(323\)"),
        ({322: 16}, r"TileLength \(323\) of this TIFF file is missing"),
        ({262: 6, 277: 3, 530: [3, 1]}, r"YCbCrSubSampling \(530\)"),
        ({262: 6, 277: 3, 530: [1, 1], 532: [1, 1]}, r"ReferenceBlackWhite \(532\)"),
        ({262: 6, 277: 3, 530: [1, 1], 529: [1, 1, 1, 0, 1, 1]}, r"YCbCrCoefficients \(529\)"),
        ({257: b"8"}, r"ImageLength \(257\) of this TIFF file is no integer"),
        ({320: b"Doe^Jane", 262: 3}, r"ColorMap \(320\) of this TIFF file is no integer"),
    ],
)
def test_tags_that_contradict_each_other_are_named(tags: Any, words: str) -> None:
    refused(levels_file(LEVELS, tags=tags), words, errors.InvalidImage)


def test_size_is_checked_before_decoding() -> None:
    big = {256: 20_000, 257: 20_000, 278: 20_000}
    refused(levels_file(LEVELS, tags=big), "megapixels", errors.ImageTooLarge)
    refused(
        levels_file(LEVELS, tags={322: 1 << 20, 323: 1 << 20}), "tile .* megapixels", errors.ImageTooLarge
    )
    refused(tiff(Page(IMAGE[:4])), "at least 8 x 8", errors.ImageTooSmall)
