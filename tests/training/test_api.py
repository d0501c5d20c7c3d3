"""Classification through an API, including errors and invalid answers."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.tasks import Task, load_task
from tests.training.fake_api import FakeApi, Reply, classification, fake_api, task_list
from training.errors import TrainingError
from training.evaluation.api import MAX_FAILURES, MAX_RETRIES, Api, NotAnswered
from training.evaluation.scoring import score_api

QUICK = 0.001


@pytest.fixture
def server(task: Task) -> Iterator[FakeApi]:
    with fake_api(task) as api:
        yield api


@pytest.fixture
def api(server: FakeApi, task: Task) -> Api:
    return Api(server.url, task, "secret", backoff=QUICK)


def answer_in_turn(*replies: Reply) -> Callable[[bytes], Reply]:
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_image_is_sent_unchanged_and_its_answer_parsed(server: FakeApi, api: Api, task: Task) -> None:
    server.classify = lambda _: classification(task, 2, "unfamiliar", "close-second")

    result = api.classify(b"\x00the bytes of a file")

    assert server.requests == [
        ("POST", f"/api/tasks/{task.name}/classify", "secret", b"\x00the bytes of a file")
    ]
    assert result.probabilities.argmax() == 2
    assert result.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert result.reasons == ("unfamiliar", "close-second")
    assert result.model == "v1 (embedded)"


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/"])
def test_url_works_with_and_without_the_api_path(server: FakeApi, task: Task, ending: str) -> None:
    api = Api(server.url + ending, task, None)

    api.check()

    assert server.requests == [("GET", "/api/tasks", None, b"")]


@pytest.mark.parametrize("status", [429, 503, 504])
def test_transient_error_is_retried(server: FakeApi, api: Api, task: Task, status: int) -> None:
    busy = Reply({"code": "Busy", "message": "Later."}, status)
    server.classify = answer_in_turn(busy, busy, classification(task, 1))

    assert api.classify(b"x").probabilities.argmax() == 1
    assert len(server.requests) == 3


def test_retry_waits_for_the_time_in_retry_after(server: FakeApi, api: Api, task: Task) -> None:
    server.classify = answer_in_turn(Reply({}, 503, {"Retry-After": "1"}), classification(task))
    start = time.monotonic()

    api.classify(b"x")

    assert time.monotonic() - start > 0.9


def test_persistent_error_is_raised_after_all_retries(server: FakeApi, api: Api) -> None:
    server.classify = lambda _: Reply({"code": "EndpointNotReady", "message": "Starting."}, 503)

    with pytest.raises(NotAnswered, match="Starting") as caught:
        api.classify(b"x")

    assert caught.value.code == "EndpointNotReady"
    assert len(server.requests) == 1 + MAX_RETRIES


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (Reply({"code": "DamagedImage", "message": "Cut off."}, 422), "DamagedImage", "Cut off."),
        (Reply(b"<html>Bad Gateway</html>", 502), "HTTP 502", "status 502"),
        (Reply(b"", 301, {"Location": "https://example.org/"}), "HTTP 301", "status 301"),
        (Reply(b"{not json"), "NoClassification", "not a classification"),
        (Reply([1, 2]), "NoClassification", "not a classification"),
        (Reply({"probabilities": {"spam": 1.0}, "reasons": []}), "NoClassification", "not a classification"),
    ],
)
def test_answers_that_are_not_classifications_are_rejected(
    server: FakeApi, api: Api, reply: Reply, code: str, message: str
) -> None:
    server.classify = lambda _: reply

    with pytest.raises(NotAnswered, match=message) as caught:
        api.classify(b"x")

    assert caught.value.code == code
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", [float("nan"), -0.5, 7.0])
def test_values_that_are_not_probabilities_are_rejected(
    server: FakeApi, api: Api, task: Task, value: float
) -> None:
    reply = classification(task)
    reply.body["probabilities"][task.class_names[0]] = value
    server.classify = lambda _: reply

    with pytest.raises(NotAnswered, match=r"not probabilities|not a classification"):
        api.classify(b"x")


def test_unknown_class_in_the_answer_is_rejected(server: FakeApi, api: Api, task: Task) -> None:
    reply = classification(task)
    reply.body["probabilities"]["spam"] = 0.0
    server.classify = lambda _: reply

    with pytest.raises(NotAnswered, match=r"not probabilities|not a classification"):
        api.classify(b"x")


def test_oversized_file_is_not_sent(server: FakeApi, api: Api) -> None:
    with pytest.raises(NotAnswered, match=r"4,500,001 bytes; the API accepts at most 4,500,000"):
        api.classify(bytes(MAX_IMAGE_BODY + 1))

    assert server.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_rejected_token_stops_the_scoring(server: FakeApi, api: Api, status: int) -> None:
    server.classify = lambda _: Reply({"message": "Unauthorized"}, status)

    with pytest.raises(TrainingError, match=rf"HTTP {status}.*--token"):
        score_api(api, [lambda: b"x"] * 50)

    assert len(server.requests) < 50


def test_scores_keep_the_order_of_the_images_and_list_failures(
    server: FakeApi, api: Api, task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(body: bytes) -> Reply:
        if body == b"3":
            return Reply({"code": "DamagedImage", "message": "Cut off."}, 422)
        # Earlier images take longer.
        time.sleep(0.05 / (1 + int(body)))
        return classification(task, int(body) % len(task.classes), *(["unfamiliar"] if body == b"4" else []))

    server.classify = answer

    scored = score_api(api, [str(index).encode for index in range(8)])

    assert scored.answered == [0, 1, 2, 4, 5, 6, 7]
    assert scored.answers.probabilities.argmax(1).tolist() == [
        index % len(task.classes) for index in scored.answered
    ]
    assert scored.answers.out_of_distribution.tolist() == [index == 4 for index in scored.answered]
    assert scored.answers.distances is None
    assert {index: failure.code for index, failure in scored.failures.items()} == {3: "DamagedImage"}
    assert scored.models == ("v1 (embedded)",)
    assert "images=8/8; images_per_second=" in capsys.readouterr().out


def test_scoring_without_any_answer_reports_the_first_reason(server: FakeApi, api: Api) -> None:
    server.classify = lambda _: Reply({"code": "TaskHasNoModel", "message": "Train one."}, 409)

    with pytest.raises(TrainingError, match=r"None of the 3 images.*TaskHasNoModel: Train one\."):
        score_api(api, [lambda: b"x"] * 3)


def test_unreachable_api_gets_no_more_requests(task: Task) -> None:
    with fake_api(task) as gone:
        pass
    api = Api(gone.url, task, None, backoff=0)
    asked = 0

    def load() -> bytes:
        nonlocal asked
        asked += 1
        return b"x"

    for _ in range(MAX_FAILURES):
        with pytest.raises(NotAnswered, match="No connection"):
            api.classify(load())
    with pytest.raises(NotAnswered, match="no more are sent"):
        api.classify(load())
    with pytest.raises(TrainingError, match="does not list the tasks: No connection"):
        api.check()


def test_api_with_other_tasks_or_classes_is_rejected(server: FakeApi, api: Api, task: Task) -> None:
    api.check()

    server.tasks = task_list(load_task("chest-xray"))
    with pytest.raises(TrainingError, match=rf"no task '{task.name}'. Its tasks: chest-xray"):
        api.check()

    server.tasks = task_list(replace(task, classes=task.classes[:3]))
    with pytest.raises(TrainingError, match="other classes"):
        api.check()


@pytest.mark.parametrize("body", [b"<html>", {"tasks": [{}]}, [], {"tasks": None}])
def test_other_service_is_rejected(server: FakeApi, api: Api, body: object) -> None:
    server.tasks = Reply(body)

    with pytest.raises(TrainingError, match="does not list tasks"):
        api.check()


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://example.org", "http://", "example.org"])
def test_invalid_url_is_rejected(url: str, task: Task) -> None:
    with pytest.raises(TrainingError, match="is not the address"):
        Api(url, task, None)


def test_url_with_a_password_is_rejected_without_repeating_it(task: Task) -> None:
    with pytest.raises(TrainingError, match="out of the address") as caught:
        Api("https://me:hunter2@example.org", task, None)

    assert "hunter2" not in str(caught.value)


def test_probabilities_are_in_the_class_order_of_the_task(server: FakeApi, api: Api, task: Task) -> None:
    reply = classification(task, 1)
    reply.body["probabilities"] = dict(reversed(reply.body["probabilities"].items()))
    server.classify = lambda _: reply

    assert np.argmax(api.classify(b"x").probabilities) == 1
