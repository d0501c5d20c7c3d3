"""The same files, sent to the route that classifies them: it never answers with an error of its own."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from chalicelib.imaging.dicom import decoder
from tests.fuzz.cases import Case, cases
from tests.fuzz.examination import Decoder
from tests.fuzz.test_fuzz import NAMES, bounded


@pytest.fixture(scope="module")
def api() -> Iterator[Decoder]:
    """A process that holds the whole application."""
    decoder = Decoder("api")
    yield decoder
    decoder.close()


def test_image_is_classified(api: Decoder) -> None:
    assert decoder.is_available()
    api.send(b"", Case("dicom/grey-12/jpeg-2000-lossless", 1).data, 1)

    assert api.receive(1)["kind"] == "accepted"


@given(cases(NAMES))
@settings(bounded, max_examples=100)
def test_file_never_causes_an_internal_error(api: Decoder, case: Case) -> None:
    api.send(b"", case.data, case.channels)
    api.receive(case.channels)
