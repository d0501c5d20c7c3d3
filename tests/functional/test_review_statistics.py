"""From classified and reviewed images to the comparison of model and people."""

from typing import Any

from tests import images
from tests.functional.conftest import Call
from tests.functional.test_openapi import schema
from tests.models import TASK, VERSION

PATH = f"/tasks/{TASK}/review-statistics"


def classify(call: Call, number: int) -> Any:
    image = images.grey_file(height=32 + number, width=32)
    return call("POST", f"/tasks/{TASK}/classify", image, Content_Type="image/png").json_body


def statistics(call: Call, query: str = "") -> Any:
    response = call("GET", f"{PATH}{query}")
    assert response.status_code == 200, response.json_body
    schema("/tasks/{task}/review-statistics", "GET", 200).validate(response.json_body)
    return response.json_body


def test_cell_of_the_confusion_matrix_lists_its_images(call: Call) -> None:
    results = [classify(call, number) for number in range(3)]
    given = results[0]["label"]
    other = next(name for name in results[0]["probabilities"] if name != given)
    for result, label in zip(results, (given, other), strict=False):
        assert call("PUT", f"/results/{result['id']}/review", json={"label": label}).status_code == 200

    found = statistics(call, f"?model={VERSION}")
    row, column = (found["classes"].index(name) for name in (other, given))
    assert found["all"]["confusion"][row][column] == 1
    assert (found["complete"], found["all"]["answers"], found["all"]["agreement"]["of"]) == (True, 3, 2)

    query = f"task={TASK}&label={given}&reviewed_label={other}&model={VERSION}"
    (listed,) = call("GET", f"/results?{query}").json_body["results"]
    assert listed["id"] == results[1]["id"]


def test_other_versions_and_periods_have_no_answers(call: Call) -> None:
    classify(call, 0)
    assert statistics(call, "?model=other")["all"]["answers"] == 0
    assert statistics(call, "?to=2026-01-01T00:00:00Z")["models"] == []


def test_wrong_period_is_refused(call: Call) -> None:
    for query in ("?from=yesterday", "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "?model=%00"):
        response = call("GET", f"{PATH}{query}")
        assert (response.status_code, response.json_body["code"]) == (400, "InvalidRequest")
