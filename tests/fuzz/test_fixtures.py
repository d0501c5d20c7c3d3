"""Files that the fuzzer found, and how each is handled today."""

from pathlib import Path

import pytest

from chalicelib.imaging.dicom import decoder
from tests import images
from tests.fuzz import seeds
from tests.fuzz.examination import Examiner
from tests.fuzz.worker import Answer

FOLDER = Path(__file__).parent / "fixtures"
REFUSED = {
    # The decoder wrote beyond its buffer.
    "jpeg-extended-of-12-bits-in-8": "InvalidImage",
    "jpeg-lossless-of-64-bits-in-8": "InvalidImage",
    "jpeg-lossless-sv1-of-12-bits-in-8": "InvalidImage",
    "jpeg-lossless-sv1-of-33-bits-in-8": "InvalidImage",
    # The decoder left a part of the picture as it found the memory.
    "jpeg-2000-component-subsampled": "UnsupportedImage",
    "jpeg-extended-of-8-bits-in-18253": "UnsupportedImage",
    "jpeg-ls-of-8-bits-in-12": "UnsupportedImage",
    "jpeg-lossless-sv1-of-8-bits-in-64": "UnsupportedImage",
    # The message quoted what stood there.
    "transfer-syntax-is-a-name": "InvalidImage",
    "transfer-syntax-with-control-character": "InvalidImage",
}
READ = {
    # Half of the picture was memory of the image before.
    "jpeg-ls-near-of-8-bits-in-16": "dicom/rgb-8/jpeg-ls-near",
    "jpeg-lossless-of-8-bits-in-16": "dicom/ybr-8/jpeg-lossless",
}


def answer(examiner: Examiner, data: bytes) -> Answer:
    white, black = seeds.read("dicom/white-8/jpeg-2000"), seeds.read("dicom/black-8/jpeg-2000")
    return examiner.compare(data, 3, white, black)


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused(examiner: Examiner, name: str) -> None:
    assert answer(examiner, (FOLDER / f"{name}.dcm").read_bytes())["code"] == REFUSED[name]


@pytest.mark.parametrize("name", READ)
def test_file_is_read_as_its_sound_twin(examiner: Examiner, name: str) -> None:
    assert decoder.is_available()
    found = answer(examiner, (FOLDER / f"{name}.dcm").read_bytes())

    assert found["sha256"] == answer(examiner, seeds.read(READ[name]))["sha256"]


def test_every_fixture_is_tested() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*REFUSED, *READ}


def test_class_of_an_object_without_pixels_is_not_quoted(examiner: Examiner) -> None:
    report = images.structured_report()
    uid = b"1.2.840.10008.5.1.4.1.1.88.11"
    assert report.count(uid) == 2

    refusal = answer(examiner, report.replace(uid, images.PATIENT.encode().ljust(len(uid))))

    assert refusal["code"] == "NoPixels"
