"""The calls to AWS for which somebody who sends an image waits. docs/architecture.md names them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chalicelib import dependencies
from chalicelib.pipeline import decoding
from chalicelib.results import result_document
from chalicelib.storage import inbox
from tests.functional.conftest import IMAGE, REAL, Call
from tests.injection.faults import Call as AwsCall
from tests.injection.faults import Interceptor
from tests.models import TASK

OLDER: result_document.ResultModel = {"version": "older", "sha256": "older", "backend": "embedded"}
FOLDERS = ("audit/", inbox.PREPARED, "results/", "models/")


class Waiting:
    """The calls of the API's Lambda while it answers: one after the other, and beside them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.in_turn: list[str] = []
        self.beside: list[str] = []
        self._thread = threading.get_ident()
        self._decoding = False
        monkeypatch.setattr(decoding, "answer", self._of_other_lambda(decoding.answer))

    def _of_other_lambda[**Given, T](self, decode: Callable[Given, T]) -> Callable[Given, T]:
        def answer(*given: Given.args, **more: Given.kwargs) -> T:
            self._decoding = True
            try:
                return decode(*given, **more)
            finally:
                self._decoding = False

        return answer

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the calls in this block."""
        self.in_turn.clear()
        self.beside.clear()
        with Interceptor(began=self._began).active():
            yield

    def _began(self, call: AwsCall) -> None:
        key = str(call.parameters.get("Key", "")) if call.service == "s3" else ""
        folder = next((name for name in FOLDERS if key.startswith(name)), "")
        name = f"{call.operation} {folder}".strip()
        if threading.get_ident() != self._thread:
            self.beside.append(name)
        elif not self._decoding:
            self.in_turn.append(name)


@pytest.fixture
def waiting(call: Call, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """Of a Lambda that has read what it reads once a minute: deployment, review rules, sharded periods."""
    waiting = Waiting(monkeypatch)
    dependencies.table().sharding.known()
    call("POST", f"/tasks/{TASK}/classify?store=false", IMAGE, Content_Type="image/png")
    return waiting


def classify(call: Call) -> result_document.Result:
    answer = call("POST", f"/tasks/{TASK}/classify", IMAGE, Content_Type="image/png")
    assert answer.status_code == 200
    result: result_document.Result = answer.json_body
    return result


def test_new_image_needs_two_calls_of_the_table_and_one_write_beside_the_audit_entry(
    call: Call, waiting: Waiting
) -> None:
    with waiting.counted():
        classify(call)

    assert waiting.in_turn == ["GetItem", "PutObject prepared/", "PutItem"]
    assert waiting.beside == ["PutObject audit/"]


def test_image_that_is_sent_again_is_only_looked_up(call: Call, waiting: Waiting) -> None:
    first = classify(call)
    with waiting.counted():
        assert classify(call) == first

    assert waiting.in_turn == ["GetItem", "HeadObject prepared/"]
    assert waiting.beside == ["PutObject audit/"]


def test_answer_of_an_older_model_is_replaced_as_people_change_results(call: Call, waiting: Waiting) -> None:
    classify(call)
    dependencies.decisions().change(REAL["id"], lambda result: result | {"model": OLDER})
    with waiting.counted():
        classify(call)

    assert waiting.in_turn == [
        *("GetItem", "PutObject prepared/"),
        *("GetItem", "GetObject results/", "UpdateItem", "PutObject results/", "PutItem"),
    ]
    assert waiting.beside == ["PutObject audit/"]
