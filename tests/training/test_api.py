"""Classifying through an API that does not always answer as it should."""

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


def in_turn(*replies: Reply) -> Callable[[bytes], Reply]:
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_an_image_is_sent_as_it_is_and_its_answer_read(server: FakeApi, api: Api, task: Task) -> None:
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
def test_the_address_may_or_may_not_name_the_path(server: FakeApi, task: Task, ending: str) -> None:
    api = Api(server.url + ending, task, None)

    api.check()

    assert server.requests == [("GET", "/api/tasks", None, b"")]


@pytest.mark.parametrize("status", [429, 503, 504])
def test_what_may_pass_is_tried_again(server: FakeApi, api: Api, task: Task, status: int) -> None:
    busy = Reply({"code": "Busy", "message": "Later."}, status)
    server.classify = in_turn(busy, busy, classification(task, 1))

    assert api.classify(b"x").probabilities.argmax() == 1
    assert len(server.requests) == 3


def test_the_pause_the_api_asks_for_is_kept(server: FakeApi, api: Api, task: Task) -> None:
    server.classify = in_turn(Reply({}, 503, {"Retry-After": "1"}), classification(task))
    start = time.monotonic()

    api.classify(b"x")

    assert 0.9 < time.monotonic() - start < 5


def test_what_does_not_pass_is_given_up(server: FakeApi, api: Api) -> None:
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
def test_other_answers_are_told_from_classifications(
    server: FakeApi, api: Api, reply: Reply, code: str, message: str
) -> None:
    server.classify = lambda _: reply

    with pytest.raises(NotAnswered, match=message) as caught:
        api.classify(b"x")

    assert caught.value.code == code
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", [float("nan"), -0.5, 7.0])
def test_numbers_that_are_no_probabilities_are_no_answer(
    server: FakeApi, api: Api, task: Task, value: float
) -> None:
    reply = classification(task)
    reply.body["probabilities"][task.class_names[0]] = value
    server.classify = lambda _: reply

    with pytest.raises(NotAnswered, match=r"not probabilities|not a classification"):
        api.classify(b"x")


def test_another_class_in_the_answer_is_no_answer(server: FakeApi, api: Api, task: Task) -> None:
    reply = classification(task)
    reply.body["probabilities"]["spam"] = 0.0
    server.classify = lambda _: reply

    with pytest.raises(NotAnswered, match=r"not probabilities|not a classification"):
        api.classify(b"x")


def test_a_file_too_large_for_the_route_is_not_sent(server: FakeApi, api: Api) -> None:
    with pytest.raises(NotAnswered, match=r"4,500,001 bytes; the API accepts at most 4,500,000"):
        api.classify(bytes(MAX_IMAGE_BODY + 1))

    assert server.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_ends_it(server: FakeApi, api: Api, status: int) -> None:
    server.classify = lambda _: Reply({"message": "Unauthorized"}, status)

    with pytest.raises(TrainingError, match=rf"HTTP {status}.*--token"):
        score_api(api, [lambda: b"x"] * 50)

    assert len(server.requests) < 50


def test_images_are_scored_in_their_order_and_failures_kept(
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


def test_if_nothing_is_answered_the_first_reason_is_told(server: FakeApi, api: Api) -> None:
    server.classify = lambda _: Reply({"code": "TaskHasNoModel", "message": "Train one."}, 409)

    with pytest.raises(TrainingError, match=r"None of the 3 images.*TaskHasNoModel: Train one\."):
        score_api(api, [lambda: b"x"] * 3)


def test_an_api_that_went_away_is_not_asked_for_ever(task: Task) -> None:
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


def test_the_api_must_know_the_task_by_the_same_classes(server: FakeApi, api: Api, task: Task) -> None:
    api.check()

    server.tasks = task_list(load_task("chest-xray"))
    with pytest.raises(TrainingError, match=rf"no task '{task.name}'. Its tasks: chest-xray"):
        api.check()

    server.tasks = task_list(replace(task, classes=task.classes[:3]))
    with pytest.raises(TrainingError, match="other classes"):
        api.check()


@pytest.mark.parametrize("body", [b"<html>", {"tasks": [{}]}, [], {"tasks": None}])
def test_another_service_is_told_from_the_api(server: FakeApi, api: Api, body: object) -> None:
    server.tasks = Reply(body)

    with pytest.raises(TrainingError, match="does not list tasks"):
        api.check()


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://example.org", "http://", "example.org"])
def test_what_is_no_address_is_refused(url: str, task: Task) -> None:
    with pytest.raises(TrainingError, match="is not the address"):
        Api(url, task, None)


def test_an_address_with_a_password_is_refused_without_repeating_it(task: Task) -> None:
    with pytest.raises(TrainingError, match="out of the address") as caught:
        Api("https://me:hunter2@example.org", task, None)

    assert "hunter2" not in str(caught.value)


def test_probabilities_are_read_in_the_order_of_the_task(server: FakeApi, api: Api, task: Task) -> None:
    reply = classification(task, 1)
    reply.body["probabilities"] = dict(reversed(reply.body["probabilities"].items()))
    server.classify = lambda _: reply

    assert np.argmax(api.classify(b"x").probabilities) == 1
