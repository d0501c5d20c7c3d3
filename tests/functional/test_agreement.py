"""From the readings of an image to the agreement of its readers."""

from tests.functional.conftest import Call
from tests.functional.test_openapi import schema
from tests.functional.test_review_statistics import classify
from tests.models import TASK, VERSION

PATH = f"/tasks/{TASK}/agreement"


def test_readings_are_compared_with_the_model(call: Call) -> None:
    results = [classify(call, number) for number in range(3)]
    other = next(name for name in results[0]["probabilities"] if name != results[0]["label"])
    for result, label in zip(results, (results[0]["label"], other), strict=False):
        body = {"label": label, "blind": True}
        assert call("PUT", f"/results/{result['id']}/review", json=body).status_code == 200

    response = call("GET", f"{PATH}?model={VERSION}")
    found = response.json_body
    schema("/tasks/{task}/agreement", "GET", 200).validate(found)
    (pair,) = found["model"]
    assert (pair["first"], pair["agreement"]["count"], pair["agreement"]["of"], pair["blind"]) == (
        "local",
        1,
        2,
        2,
    )
    assert (found["images"], found["complete"], found["readers"]) == (2, True, [])

    assert call("GET", f"{PATH}?model=other").json_body["images"] == 0
    assert call("GET", f"{PATH}?from=yesterday").status_code == 400
