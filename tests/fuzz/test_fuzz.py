"""A bounded, repeatable run of the fuzzer; `make fuzz MINUTES=…` searches on."""

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from chalicelib.imaging.dicom import decoder
from tests.fuzz import seeds
from tests.fuzz.cases import Case, cases
from tests.fuzz.examination import Examiner

bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Not the real ones, so that the run is the same on every machine.
NAMES = (*seeds.SEEDS, *seeds.PACKAGED)
COMPRESSED = tuple(name for name in seeds.SEEDS if name.startswith("dicom/") and "jp" in name)
PLAIN = tuple(name for name in seeds.SEEDS if not name.startswith("dicom/"))


def check(examiner: Examiner, case: Case) -> None:
    note(f'try it again: python -m tests.fuzz "{case}"')
    examiner.examine(case)


@given(cases(NAMES))
@settings(bounded, max_examples=300)
def test_any_file(examiner: Examiner, case: Case) -> None:
    check(examiner, case)


@given(cases(COMPRESSED))
@settings(bounded, max_examples=450)
def test_compressed_dicom(examiner: Examiner, case: Case) -> None:
    check(examiner, case)


@given(cases(PLAIN))
@settings(bounded, max_examples=300)
def test_jpeg_png_and_tiff(examiner: Examiner, case: Case) -> None:
    check(examiner, case)


DICOMSDL = ("jpeg-lossless", "jpeg-ls", "jpeg-2000")
"""What only dicomsdl decodes, which Python 3.14 lacks."""
REFUSED = {
    "dicom/grey-12/deflated": "UnsupportedImage",
    "dicom/grey-12/high-throughput": "UnsupportedImage",
    "tiff/fax": "UnsupportedImage",
    "tiff/lab": "UnsupportedImage",
}


@pytest.mark.parametrize("name", seeds.SEEDS)
def test_what_the_search_starts_from_is_read(examiner: Examiner, name: str) -> None:
    if name.startswith("dicom/") and any(codec in name for codec in DICOMSDL):
        assert decoder.is_available()
    answer = examiner.examine(Case(name, 1))

    assert answer.get("code", "accepted") == REFUSED.get(name, "accepted")
