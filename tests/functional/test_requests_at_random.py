"""Requests made from the API's own description, valid and invalid ones, each answered as described."""

import zlib
from copy import deepcopy
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from chalicelib import limits
from chalicelib.tasks import load_task
from tests.functional import gateway
from tests.functional.conftest import IMAGE, REAL
from tests.functional.test_openapi import DOCUMENT
from tests.models import TASK

EXAMPLES = 15
"""Per operation, besides those that try each limit and each member by itself."""
CHECKS: list[Any] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
MORE_THAN_VALID = {
    "POST /tasks/{task}/classify",  # the image has to be one
    "GET /results",  # 'to' has to be later than 'from'
    "GET /results.csv",
    "POST /exports",  # as for results, and only two may run
    "GET /retrainings",  # a cursor has to be one that this list gave out
    "GET /batches",
    "POST /batches",  # either a source or 'again'
    "GET /audit",
    "GET /access-log",  # 'to' has to be later than 'from', and 'search' an id or a path
    "GET /tasks/{task}/labelled-images",
    "POST /tasks/{task}/labelled-images",  # a label has to be a class of the task
    "GET /tasks/{task}/review-statistics",  # as for results
    "GET /tasks/{task}/agreement",
    "PUT /tasks/{task}/review-rule",  # numbers below 1e-100 are refused
    "PUT /results/{id}/review",  # only a disagreement can be settled
    "POST /retrainings",  # hyper-parameters have to suit each other
}
"""Operations that have reasons to refuse requests which fit the description."""


def described() -> dict[str, Any]:
    """The description, with the names of this stage's tasks and classes, and without the login.

    API Gateway asks for that, and neither it nor this stage has one.
    """
    document = deepcopy(DOCUMENT)
    for operation in (document, *(one for path in document["paths"].values() for one in path.values())):
        operation.pop("security", None)
    schemas, paths = document["components"]["schemas"], document["paths"]
    classes = list(load_task(TASK).class_names)
    places = [schemas[name]["properties"]["task"] for name in ("RetrainingBody", "UploadRequest")]
    places += [parameter(paths[path], "task") for path in ("/results", "/results.csv")]
    for place in places:
        place["enum"] = [TASK, "chest-xray"]
    schemas["ReviewRequest"]["properties"]["label"]["enum"] = classes
    parameter(paths["/results/{id}/heatmap"], "label")["enum"] = classes
    return document


def parameter(path: dict[str, Any], name: str) -> Any:
    """The schema of a parameter of the GET operation of a path."""
    (schema,) = [one["schema"] for one in path["get"]["parameters"] if one["name"] == name]
    return schema


CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"deterministic": True, "mode": "all", "max-examples": EXAMPLES, "database": "none"},
        # A size over the limit is answered 413.
        "checks": {"negative_data_rejection": {"expected-statuses": ["400", "404", "409", "413", "415"]}},
        # API Gateway knows the methods of each route.
        "phases": {"coverage": {"unexpected-methods": []}},
    }
)
API = schemathesis.openapi.from_dict(described(), config=CONFIG)
API.app = gateway.application
for media_type in limits.IMAGE_TYPES:
    schemathesis.openapi.media_type(media_type, st.one_of(st.just(IMAGE), st.binary(max_size=200)))


@API.parametrize()
@pytest.mark.usefixtures("stocked")
@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_to_random_requests_are_as_described(case: schemathesis.Case[Any]) -> None:
    for name, value in case.path_parameters.items():
        if limits.PATH_PARAMETER.fullmatch(str(value)) and zlib.crc32(str(value).encode()) % 2:
            case.path_parameters[name] = REAL[name]

    response = case.call()

    acceptance = [] if case.operation.label in MORE_THAN_VALID else [positive_data_acceptance]
    case.validate_response(response, checks=CHECKS + acceptance)
    if response.status_code >= 400:
        error = response.json()
        assert error.keys() == {"code", "message", "request_id"}
        assert error["message"].endswith(".")
