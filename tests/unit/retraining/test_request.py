"""Requests for retrainings."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.retraining import request
from chalicelib.retraining.request import DEFAULT_TRIALS, parse_request
from chalicelib.tasks import TrainingSpec, load_task

TASK = {"task": "chest-xray"}


def test_request_needs_only_a_task() -> None:
    parsed = parse_request(TASK)

    assert parsed.task.name == "chest-xray"
    assert (parsed.trials, parsed.force, parsed.approval, parsed.spot) == (0, False, False, False)
    assert parsed.is_plain


@pytest.mark.parametrize(
    ("given", "trials"), [({"tune": True}, DEFAULT_TRIALS), ({"tune": 4}, 4), ({"tune": False}, 0)]
)
def test_tune_sets_the_number_of_trials(given: dict[str, Any], trials: int) -> None:
    assert parse_request(TASK | given).trials == trials


@pytest.mark.parametrize("given", [{"force": True}, {"tune": 2}, {"hyperparameters": {"epochs": 3}}])
def test_request_with_own_settings_is_not_plain(given: dict[str, Any]) -> None:
    assert not parse_request(TASK | given).is_plain


def test_request_says_how_to_train_or_the_tasks_file_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_request(TASK).instance_count == 1

    task = replace(load_task("chest-xray"), training=TrainingSpec(3, 5, True))
    monkeypatch.setattr(request, "load_tasks", lambda: {task.name: task})

    assert parse_request(TASK).instance_count == 3
    assert parse_request(TASK).preparation_instance_count == 5
    assert parse_request(TASK | {"preparation_instance_count": 1}).preparation_instance_count == 1
    assert parse_request(TASK).stream
    assert not parse_request(TASK | {"stream": False}).stream
    assert parse_request(TASK | {"instance_count": 2}).instance_count == 2
    assert parse_request(TASK | {"instance_count": 2}).is_plain


@pytest.mark.parametrize("field", ["instance_count", "preparation_instance_count"])
@pytest.mark.parametrize("count", [0, 17, True, 1.5, "2", None])
def test_number_of_instances_is_checked(field: str, count: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"'{field}' must be a number of instances from 1 to 16"):
        parse_request({**TASK, field: count})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "is a JSON object such as"),
        ({}, "'task' must be one of .*mammography-views"),
        ({"task": "feet"}, "'task' must be one of"),
        ({"task": ["chest-xray"]}, "'task' must be a text"),
        (TASK | {"hyperparameter": {}}, "A retraining has no field 'hyperparameter'. Fields: task"),
        (TASK | {"force": "yes"}, "'force' must be true or false"),
        (TASK | {"hyperparameters": [1]}, "'hyperparameters' must be an object"),
        (TASK | {"hyperparameters": {"epoch": 1}}, "no hyper-parameter 'epoch'. Known: seed"),
        (TASK | {"hyperparameters": {"epochs": 0}}, "epochs must lie between 1 and 1000; it is 0"),
        (TASK | {"hyperparameters": {"epochs": "3"}}, "epochs must be of type int"),
        (TASK | {"stream": 1}, "'stream' must be true or false"),
        (TASK | {"stream": True, "hyperparameters": {"feature_views": 3}}, "leave out feature_views"),
        (TASK | {"tune": 1}, "from 2 to 100"),
        (TASK | {"tune": 101}, "from 2 to 100"),
        (TASK | {"reason": "x" * 1001}, "'reason' may have 1,000 characters, not 1,001"),
        (TASK | {"reason": "half a pair: \ud83d"}, "not valid Unicode"),
        (TASK | {"reason": "\x00"}, "'reason' holds a control character"),
        (TASK | {"requested_by": "x" * 201}, "'requested_by' may have 200 characters"),
        (TASK | {"requested_by": "\udc00"}, "not valid Unicode"),
        (TASK | {"\ud800": 1}, "not valid Unicode"),
        (TASK | {"hyperparameters": {"\ud800": 1}}, "not valid Unicode"),
        (TASK | {"hyperparameters": {"dropout": 1e-200}}, "out of range"),
        (TASK | {"hyperparameters": {"dropout": float("nan")}}, "out of range"),
        (TASK | {"hyperparameters": {"dropout": 10**400}}, "out of range"),
        (TASK | {"tune": 10**400}, "out of range"),
        (TASK | {"tune": True, "hyperparameters": {"dropout": 0.1}}, "'tune' searches for dropout"),
    ],
)
def test_parse_request_rejects(given: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_request(given)
