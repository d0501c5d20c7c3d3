"""What the callers of the Lambda `decode` make of its answers."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from chalicelib.errors import DamagedImage, DecoderUnavailable, DecodingFailed
from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.pipeline.decoder import WHILE_SOMEONE_WAITS, DecodedFile, Decoder
from tests import images
from tests.lambdas import FakeLambda
from tests.unit.pipeline.steps import TASK_

SPEC = TASK_.input
PIXELS = np.arange(SPEC.channels * SPEC.height * SPEC.width).astype(np.uint8)
ANSWER = {
    "pixels": base64.b64encode(PIXELS.tobytes()).decode(),
    "box": [1, 2, 3, 4],
    "source": {"format": "PNG"},
    "picture": None,
    "frames": None,
}


def decode(handler: Callable[[Any], Any], file: Any = b"file") -> DecodedFile:
    return Decoder(lambda _: FakeLambda(handler), "decode").decode(TASK_, "0" * 32, file, WHILE_SOMEONE_WAITS)


def test_answer_is_the_array_with_its_facts() -> None:
    decoded = decode(lambda _: ANSWER)
    assert decoded.pixels.shape == SPEC.shape
    assert decoded.pixels.flatten().tolist() == PIXELS.tolist()
    assert decoded.box == (1, 2, 3, 4)
    assert dict(decoded.source) == {"format": "PNG"}
    assert decoded.picture is None


def test_largest_image_of_a_request_fits_into_an_invocation() -> None:
    """Lambda Developer Guide, "Lambda quotas": 6 MB for a synchronous invocation."""
    sizes: list[int] = []

    def measure(event: Any) -> Any:
        sizes.append(len(json.dumps(event)))
        return ANSWER

    decode(measure, bytes(MAX_IMAGE_BODY))
    assert sizes[0] < 6 * 1024**2


def test_refusal_is_raised_as_it_was_there() -> None:
    with pytest.raises(DamagedImage, match="It is cut off"):
        decode(lambda _: {"code": "DamagedImage", "message": "It is cut off."})


def crash(_: Any) -> Any:
    raise RuntimeError(images.PATIENT)


def test_crash_says_what_to_do_and_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DecodingFailed, match="Try again; if it happens again") as failure:
        decode(crash)
    assert images.PATIENT not in str(failure.value) + str([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        ANSWER | {"pixels": "AAAA"},
        ANSWER | {"pixels": "not base64"},
        ANSWER | {"box": [1]},
        ANSWER | {"picture": {"sha256": "../../models/x"}},
        ANSWER | {"frames": {"sha256": 1}},
        {"code": "NotAllowed", "message": "no image error"},
        {"code": "HTTPStatus", "message": "no error at all"},
    ],
)
def test_answers_that_make_no_sense_are_not_used(answer: Any) -> None:
    with pytest.raises(DecodingFailed, match="invalid answer"):
        decode(lambda _: answer)


@pytest.mark.parametrize(
    ("problem", "error", "message"),
    [
        (ReadTimeoutError(endpoint_url="x"), DecodingFailed, "within 12 seconds. Upload it"),
        (EndpointConnectionError(endpoint_url="x"), DecoderUnavailable, "Try again"),
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), DecoderUnavailable, "again"),
    ],
)
def test_lambda_that_does_not_answer_is_reported(
    problem: Exception, error: type[Exception], message: str
) -> None:
    class Silent:
        def invoke(self, **_: Any) -> Any:
            raise problem

    with pytest.raises(error, match=message):
        Decoder(lambda _: Silent(), "decode").decode(TASK_, "0" * 32, b"", WHILE_SOMEONE_WAITS)
