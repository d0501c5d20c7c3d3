"""Classifying on SageMaker endpoints, with both protocols."""

import json
from io import BytesIO
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from PIL import Image

from chalicelib.errors import EndpointNotReady, ModelFailed
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.classifier import Classifier
from chalicelib.models.endpoint import Endpoint
from chalicelib.models.endpoint_protocols import BACKENDS, encode
from chalicelib.tasks import EndpointProtocol, EndpointSpec, load_task
from tests.models import TASK
from tests.sagemaker_runtime import FakeRuntime

TASK_ = load_task(TASK)
FRAME = TASK_.input.shape
BOX = (0, 0, TASK_.input.width, TASK_.input.height)
IMAGE = np.arange(np.prod(FRAME), dtype=np.uint8).reshape(1, *FRAME)


def run(protocol: EndpointProtocol, runtime: Any, images: Pixels = IMAGE) -> Any:
    return BACKENDS[protocol](Endpoint(runtime, "my-endpoint"), TASK_).run(images)


PROBABILITIES = [0.01, 0.96, 0.01, 0.01, 0.01]
MODEL = {
    "version": "v9",
    "sha256": "9" * 64,
    "classes": list(TASK_.class_names),
    "thresholds": {"distance": 10},
}
ANSWER = {
    "model": MODEL,
    "probabilities": [PROBABILITIES],
    "activation": [[[[0.0, 1.0], [0.5, 0.0]]] * 5],
    "distance": [3.0],
}


def test_package_endpoint_gets_the_array_and_its_answer_is_read() -> None:
    runtime = FakeRuntime(ANSWER)
    classifier = Classifier({TASK: EndpointSpec("my-endpoint", "negatoscope")}, lambda: runtime)
    (answer,) = classifier.classify(TASK_, IMAGE, [BOX])
    assert answer.label == TASK_.class_names[1]
    assert answer.probability == pytest.approx(0.96)
    assert answer.reasons == ()
    assert answer.heatmap is not None
    assert (answer.model.version, answer.model.sha256, answer.model.backend) == ("v9", "9" * 64, "endpoint")
    (request,) = runtime.requests
    assert (request["EndpointName"], request["ContentType"]) == ("my-endpoint", "application/x-npy")
    np.testing.assert_array_equal(np.load(BytesIO(request["Body"])), IMAGE)


def test_distant_image_is_out_of_distribution_on_an_endpoint() -> None:
    assert run("negatoscope", FakeRuntime(ANSWER | {"distance": [10.5]})).is_out_of_distribution(0)
    assert not run("negatoscope", FakeRuntime(ANSWER | {"distance": [9.5]})).is_out_of_distribution(0)


def test_image_endpoint_gets_images_and_its_probabilities_are_read() -> None:
    runtime = FakeRuntime(PROBABILITIES, PROBABILITIES[::-1])
    classifier = Classifier({TASK: EndpointSpec("my-endpoint", "image-classification")}, lambda: runtime)
    first, second = classifier.classify(TASK_, np.concatenate([IMAGE, 255 - IMAGE]), [BOX, BOX])
    assert first.probabilities == dict(zip(TASK_.class_names, PROBABILITIES, strict=True))
    assert (first.label, second.label) == (TASK_.class_names[1], TASK_.class_names[3])
    assert first.heatmap is None
    assert (first.model.version, first.model.sha256, first.model.backend) == (
        "my-endpoint/blue",
        None,
        "endpoint",
    )
    assert {request["ContentType"] for request in runtime.requests} == {"application/x-image"}
    for request, image in zip(runtime.requests, (IMAGE, 255 - IMAGE), strict=True):
        with Image.open(BytesIO(request["Body"]), formats=["PNG"]) as sent:
            np.testing.assert_array_equal(np.asarray(sent), np.repeat(image[0, 0, :, :, None], 3, axis=2))


def test_model_without_distances_still_asks_for_review_when_unsure() -> None:
    classifier = Classifier(
        {TASK: EndpointSpec("my-endpoint", "image-classification")},
        lambda: FakeRuntime([0.5, 0.45, 0.03, 0.01, 0.01]),
    )
    (answer,) = classifier.classify(TASK_, IMAGE, [BOX])
    assert [reason.code for reason in answer.reasons] == ["low-confidence", "close-second"]


def test_colours_are_sent_unchanged() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 20, 10)).astype(np.uint8)
    with Image.open(BytesIO(encode(colours))) as sent:
        assert (sent.mode, sent.size) == ("RGB", (10, 20))
        np.testing.assert_array_equal(np.asarray(sent), colours.transpose(1, 2, 0))


def test_rounded_probabilities_are_accepted() -> None:
    outputs = run("image-classification", FakeRuntime([0.333, 0.333, 0.333, 0, 0]))
    assert outputs.probabilities[0] == pytest.approx([0.333, 0.333, 0.333, 0, 0])
    assert run("image-classification", FakeRuntime([1.0000001, 0, 0, 0, 0])).probabilities.max() == 1


def test_missing_variant_is_omitted() -> None:
    outputs = run("image-classification", FakeRuntime(PROBABILITIES, variant=None))
    assert outputs.model.version == "my-endpoint"


@pytest.mark.parametrize(
    ("protocol", "answer", "content_type"),
    [
        ("negatoscope", ANSWER, "application/x-npy"),
        ("image-classification", PROBABILITIES, "application/x-image"),
    ],
)
def test_requests_are_valid_for_sagemaker(protocol: EndpointProtocol, answer: Any, content_type: str) -> None:
    """botocore checks request and response against the service's description."""
    client = boto3.client(
        "sagemaker-runtime", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    body = json.dumps(answer).encode()
    response = {"Body": StreamingBody(BytesIO(body), len(body)), "InvokedProductionVariant": "AllTraffic"}
    request = {"EndpointName": "my-endpoint", "ContentType": content_type, "Body": ANY}
    with Stubber(client) as stub:
        stub.add_response("invoke_endpoint", response, request | {"Accept": "application/json"})
        assert run(protocol, client).probabilities.shape == (1, 5)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (PROBABILITIES, "did not answer with a classification"),
        ({"predictions": []}, "did not answer with a classification"),
        (ANSWER | {"model": None}, "did not answer with a classification"),
        (ANSWER | {"model": MODEL | {"thresholds": {}}}, "did not answer with a classification"),
        (ANSWER | {"probabilities": [["high"] * 5]}, "did not answer with a classification"),
        (ANSWER | {"activation": [[0.0], [0.0, 1.0]]}, "did not answer with a classification"),
        (ANSWER | {"model": MODEL | {"classes": ["cat", "dog"]}}, "other classes"),
        (ANSWER | {"model": MODEL | {"classes": list(TASK_.class_names[::-1])}}, "other classes"),
        (ANSWER | {"distance": [1.0, 2.0]}, "different number of images"),
        (ANSWER | {"probabilities": []}, "different number of images"),
        (ANSWER | {"activation": []}, "different number of images"),
    ],
)
def test_malformed_answers_of_package_endpoints_fail(answer: Any, problem: str) -> None:
    with pytest.raises(ModelFailed, match=problem) as caught:
        run("negatoscope", FakeRuntime(answer))
    assert "my-endpoint" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"prediction": PROBABILITIES}, "not a JSON list"),
        ("0.2", "not a JSON list"),
        (None, "not a JSON list"),
        ([PROBABILITIES], "not a JSON list"),
        (["0.2"] * 5, "not a JSON list"),
        ([True, 0, 0, 0, 0], "not a JSON list"),
        ([None] * 5, "not a JSON list"),
        ([], "0 probabilities, but mammography-views has 5 classes"),
        ([0.5, 0.5], "2 probabilities, but mammography-views has 5 classes"),
        ([*PROBABILITIES, 0], "6 probabilities, but mammography-views has 5 classes"),
        ([0.9, 0.9, 0.9, 0.9, 0.9], "not probabilities"),
        ([0.3, 0.3, 0.3, 0.3, -0.2], "not probabilities"),
        ([0.1] * 5, "not probabilities"),
        ([float("nan"), 0.2, 0.2, 0.2, 0.2], "not probabilities"),
        ([0.2, 0.2, 0.2, 0.2, float("nan")], "not probabilities"),
        ([float("inf"), 0, 0, 0, 0], "not probabilities"),
        ([12.5, -3.1, 0.2, 4.4, 1.0], "not probabilities"),
    ],
)
def test_malformed_answers_of_image_endpoints_fail(answer: Any, problem: str) -> None:
    with pytest.raises(ModelFailed, match=problem) as caught:
        run("image-classification", FakeRuntime(answer))
    assert "my-endpoint" in str(caught.value)
    assert "in their order" in str(caught.value)


def test_one_bad_answer_fails_the_batch() -> None:
    with pytest.raises(ModelFailed, match="2 probabilities"):
        run("image-classification", FakeRuntime(PROBABILITIES, [0.5, 0.5]), np.concatenate([IMAGE, IMAGE]))


@pytest.mark.parametrize("protocol", BACKENDS)
@pytest.mark.parametrize(
    ("failure", "error"), [(ConnectionResetError(), EndpointNotReady), (b"", ModelFailed)]
)
def test_failures_of_the_endpoint_are_raised(
    protocol: EndpointProtocol, failure: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="my-endpoint"):
        run(protocol, FakeRuntime(failure))
