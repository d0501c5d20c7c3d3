"""The serving functions, called in the same way as the endpoint's container calls them."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from chalicelib.errors import InvalidModelPackage, ModelFailed
from chalicelib.imaging import prepare
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.endpoint import Endpoint
from chalicelib.models.endpoint_protocols import PackageBackend
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task, load_task
from tests import images
from tests.models import write_package
from tests.stage import ROOT
from training.inference import IMAGES, Model, input_fn, model_fn, output_fn, predict_fn

COLOUR_TASK = "breast-histology"
OVERRUN = ROOT / "tests" / "fuzz" / "fixtures" / "jpeg-lossless-sv1-of-12-bits-in-8.dcm"
"""Its stream makes a decoder that trusts the header write beyond its buffer."""


class Container:
    """Calls the four functions like SageMaker's container, and records the status they set."""

    def __init__(self, model: Model):
        self.model = model
        self.status = 200
        self.phrase = ""

    def set_response_status(self, code: int, phrase: str) -> None:
        self.status, self.phrase = code, phrase

    def answer(self, body: bytes | bytearray | str | None, content_type: str | None) -> dict[str, Any]:
        answer = predict_fn(input_fn(body, content_type), self.model)
        text, answered_type = output_fn(answer, "application/json", self)
        assert answered_type == "application/json"
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        """Return what the SageMaker Runtime would return."""
        answer = self.answer(bytearray(request["Body"]), request["ContentType"])
        return {"Body": io.BytesIO(json.dumps(answer).encode()), "InvokedProductionVariant": "AllTraffic"}


@pytest.fixture
def folder(tmp_path: Path, task: Task) -> Path:
    return write_package(tmp_path / "model", task)


@pytest.fixture
def container(folder: Path) -> Container:
    return Container(model_fn(str(folder)))


def npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def instances(*files: bytes) -> str:
    return json.dumps({"instances": [{"b64": base64.b64encode(file).decode()} for file in files]})


def pixels(task: Task, count: int = 1) -> NDArray[np.uint8]:
    size = (count, *task.input.shape)
    return np.random.default_rng(5).integers(0, 256, size).astype(np.uint8)


def assert_same_as_embedded(answer: dict[str, Any], folder: Path, arrays: NDArray[np.uint8]) -> None:
    expected = EmbeddedBackend(ModelPackage.load(folder), threads=1).run(arrays)
    for name in ("probabilities", "activation", "distance"):
        np.testing.assert_array_equal(np.asarray(answer[name], np.float32), getattr(expected, name))


FILES = {
    "JPEG": images.grey_file("JPEG"),
    "PNG": images.grey_file("PNG"),
    "TIFF": images.grey_file("TIFF"),
    "DICOM": images.dicom(images.gradient(high=4095).astype(np.uint16)),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("content_type", [*IMAGES, "Image/PNG; charset=binary", "", None])
def test_image_format_is_detected_whatever_the_content_type(
    container: Container, folder: Path, task: Task, kind: str, content_type: str | None
) -> None:
    answer = container.answer(bytearray(FILES[kind]), content_type)
    assert container.status == 200
    assert_same_as_embedded(answer, folder, prepare(FILES[kind], task.input).pixels[np.newaxis])


def test_answer_names_the_model(container: Container, folder: Path, task: Task) -> None:
    facts = json.loads((folder / "model.json").read_text())
    assert container.answer(FILES["PNG"], "image/png")["model"] == {
        "task": task.name,
        "version": facts["version"],
        "sha256": facts["sha256"],
        "classes": list(task.class_names),
        "thresholds": {"distance": 200.0},
    }


@pytest.mark.parametrize("count", [1, 3])
def test_prepared_arrays_are_classified(container: Container, folder: Path, task: Task, count: int) -> None:
    arrays = pixels(task, count)
    assert_same_as_embedded(container.answer(npy(arrays), "application/x-npy"), folder, arrays)
    assert_same_as_embedded(
        container.answer(npy(np.asfortranarray(arrays)), "application/x-npy"), folder, arrays
    )


def test_single_prepared_array_needs_no_batch(container: Container, folder: Path, task: Task) -> None:
    arrays = pixels(task)
    assert_same_as_embedded(container.answer(npy(arrays[0]), "application/x-npy"), folder, arrays)


def test_several_images_are_accepted_as_json(container: Container, folder: Path, task: Task) -> None:
    body = instances(*FILES.values())
    expected = np.stack([prepare(file, task.input).pixels for file in FILES.values()])
    assert_same_as_embedded(container.answer(body, "application/json"), folder, expected)
    assert_same_as_embedded(
        container.answer(body.encode(), "application/json; charset=utf-8"), folder, expected
    )


def test_colour_images_are_classified(tmp_path: Path) -> None:
    folder = write_package(tmp_path / "model", task := load_task(COLOUR_TASK))
    container = Container(model_fn(str(folder)))
    file = images.encode(Image.fromarray(images.colours()), "PNG")
    expected = prepare(file, task.input).pixels[np.newaxis]
    assert_same_as_embedded(container.answer(file, "image/png"), folder, expected)
    assert container.answer(npy(expected[:, :1]), "application/x-npy")["code"] == "InvalidRequest"


def test_endpoint_answer_is_read_by_the_application(container: Container, folder: Path, task: Task) -> None:
    arrays = pixels(task, 2)
    served = PackageBackend(Endpoint(container, "an-endpoint"), task).run(arrays)
    embedded = EmbeddedBackend(ModelPackage.load(folder), threads=1).run(arrays)
    np.testing.assert_array_equal(served.probabilities, embedded.probabilities)
    assert served.activation is not None
    np.testing.assert_array_equal(served.activation, embedded.activation)
    assert [served.is_out_of_distribution(index) for index in (0, 1)] == [
        embedded.is_out_of_distribution(index) for index in (0, 1)
    ]
    assert (served.model.version, served.model.sha256) == (embedded.model.version, embedded.model.sha256)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "image/png", 422, "EmptyImage"),
        (None, "image/png", 422, "EmptyImage"),
        (b"just text", "image/png", 415, "NotAnImage"),
        (FILES["JPEG"][:-200], "image/jpeg", 422, "DamagedImage"),
        (images.grey_file(height=1, width=1), "image/png", 422, "ImageTooSmall"),
        (images.png_bomb(), "image/png", 413, "ImageTooLarge"),
        (images.structured_report(), "application/dicom", 422, "NoPixels"),
        (OVERRUN.read_bytes(), "application/dicom", 422, "InvalidImage"),
        (FILES["PNG"], "text/plain", 415, "UnsupportedMediaType"),
        (FILES["PNG"], "application/x-npz", 415, "UnsupportedMediaType"),
        (FILES["PNG"], "application/x-npy", 400, "InvalidRequest"),
        (b"", "application/x-npy", 400, "InvalidRequest"),
        (npy(np.zeros((1, 3, 5, 5), np.uint8)), "application/x-npy", 400, "InvalidRequest"),
        (npy(np.zeros((2, 2), np.uint8)), "application/x-npy", 400, "InvalidRequest"),
        (npy(np.array(3, np.uint8)), "application/x-npy", 400, "InvalidRequest"),
        (npy(np.zeros((1, 1, 224, 112), np.float32)), "application/x-npy", 400, "InvalidRequest"),
        (npy(np.zeros((0, 1, 224, 112), np.uint8)), "application/x-npy", 400, "InvalidRequest"),
        (npy(np.zeros((1, 1, 224, 112), np.uint8))[:-1], "application/x-npy", 400, "InvalidRequest"),
        (npy(np.array([None])), "application/x-npy", 400, "InvalidRequest"),
        ("{", "application/json", 400, "InvalidRequest"),
        (b"\xff", "application/json", 400, "InvalidRequest"),
        ("", "application/json", 400, "InvalidRequest"),
        ("[]", "application/json", 400, "InvalidRequest"),
        ('{"instances": 3}', "application/json", 400, "InvalidRequest"),
        ('{"instances": {"b64": ""}}', "application/json", 400, "InvalidRequest"),
        ('{"instances": ["AAAA"]}', "application/json", 400, "InvalidRequest"),
        ('{"instances": [{"b64": "!"}]}', "application/json", 400, "InvalidRequest"),
        ('{"instances": [{"b64": 3}]}', "application/json", 400, "InvalidRequest"),
        ('{"instances": []}', "application/json", 400, "InvalidRequest"),
        (instances(b"text"), "application/json", 415, "NotAnImage"),
    ],
)
def test_bad_input_is_a_client_error(
    container: Container, body: Any, content_type: str, status: int, code: str
) -> None:
    answer = container.answer(body, content_type)
    assert (container.status, answer["code"]) == (status, code)
    assert answer.keys() == {"code", "message"}
    assert answer["message"].endswith(".")
    assert container.phrase
    assert "\n" not in container.phrase


def test_bad_image_rejects_the_batch_and_is_named(container: Container) -> None:
    answer = container.answer(instances(FILES["PNG"], FILES["DICOM"], b"text"), "application/json")
    assert container.status == 415
    assert answer["message"].startswith("instances[2]: This is not an image")


def test_wrong_array_is_rejected_with_the_right_shape(container: Container, task: Task) -> None:
    answer = container.answer(npy(pixels(task)[..., :-1]), "application/x-npy")
    height, width = task.input.height, task.input.width
    assert f"(N, 1, {height}, {width})" in answer["message"]
    assert f"(1, 1, {height}, {width - 1})" in answer["message"]


def test_model_failure_is_a_server_error(
    container: Container, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ModelFailed("It failed.")

    monkeypatch.setattr(EmbeddedBackend, "run", fail)
    with pytest.raises(ModelFailed):
        container.answer(npy(pixels(task)), "application/x-npy")


def test_model_for_other_classes_is_not_served(tmp_path: Path, task: Task) -> None:
    folder = write_package(tmp_path / "model", task, classes=list(task.class_names[::-1]))
    with pytest.raises(InvalidModelPackage, match="other classes"):
        model_fn(str(folder))


def test_model_for_an_unknown_task_is_not_served(tmp_path: Path, task: Task) -> None:
    folder = write_package(tmp_path / "model", task)
    facts = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(facts | {"task": "feet"}))
    with pytest.raises(InvalidModelPackage, match="'feet', which has no file"):
        model_fn(str(folder))


def test_changed_graph_is_not_served(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as graph:
        graph.write(b"x")
    with pytest.raises(InvalidModelPackage, match="sha256 differs"):
        model_fn(str(folder))
