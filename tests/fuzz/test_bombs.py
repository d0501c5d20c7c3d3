"""The largest images that are accepted leave most of a function's memory to the model."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from chalicelib.imaging.png.chunks import GREY_ALPHA, RGB_ALPHA
from tests.fuzz import bombs
from tests.fuzz.examination import Decoder

MAX_MEGABYTES = 1_200


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One process, which is enough to measure memory."""
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.mark.parametrize(
    "make",
    [partial(bombs.png, 8, RGB_ALPHA), partial(bombs.png, 16, GREY_ALPHA), bombs.float_tiff],
    ids=["PNG RGBA", "PNG of 16 bits", "TIFF of floats"],
)
def test_hundred_megapixels_need_little_memory(decoder: Decoder, make: Callable[[], bytes]) -> None:
    decoder.send(b"", make(), 1)
    answer = decoder.receive(1)

    assert answer["kind"] == "accepted"
    assert answer["source"]["rows"] == bombs.SIDE
    assert answer["megabytes"] < MAX_MEGABYTES
