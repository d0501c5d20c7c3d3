"""Users whose groups count for one task, on every route, with things that belong to another task."""

import re
from typing import Any

import pytest

import app
from chalicelib import dependencies
from chalicelib.api.auth import GROUPS
from chalicelib.results import result_document
from tests.functional.conftest import REAL, as_member
from tests.functional.test_openapi import schema
from tests.functional.test_roles import LEAST
from tests.models import TASK

OTHER = "retinal-oct"
"""A task of which nothing is stored."""
OF_NO_TASK = {
    ("GET", "/stage"),
    # Of the user's own; tests/functional/test_exports.py has what they hold.
    ("POST", "/exports"),
    ("GET", "/exports"),
    ("GET", "/exports/{export}"),
    ("POST", "/exports/{export}/stop"),
}
SHOWING_OWN_TASKS = {("GET", "/tasks"), ("GET", "/results"), ("GET", "/results.csv"), ("GET", "/retrainings")}
"""Routes that answer, with nothing of other tasks."""
NAMED_IN_BODIES = {("POST", "/uploads"): {"task": TASK, "size": 1, "content_type": "image/png"}}
OTHERS = SHOWING_OWN_TASKS | OF_NO_TASK
CHECKED = [route for route, least in LEAST.items() if least in GROUPS and route not in OTHERS]


def named(path: str) -> dict[str, str]:
    """The path's parameters, as of things that exist and belong to TASK."""
    return {name: REAL[name] for name in re.findall(r"\{(\w+)\}", path)}


@pytest.mark.parametrize("group", ["reader", "reviewer"])
@pytest.mark.usefixtures("stocked", "_login")
def test_every_route_refuses_users_of_another_task(group: str) -> None:
    for method, path in CHECKED:
        body = NAMED_IN_BODIES.get((method, path))

        status, answer = as_member(f"{group}:{OTHER}", method, path, body, **named(path))

        assert status in (403, 404), (method, path, answer)
        assert answer["code"] in ("NotAllowed", "UnknownResult", "UnknownRetraining"), (method, path, answer)
        schema(path, method, status).validate(answer)
    assert dependencies.table().get(REAL["id"])["review"] is None


@pytest.mark.usefixtures("stocked", "_login")
def test_users_of_the_task_may_call_what_users_of_all_tasks_may() -> None:
    for method, path in [*CHECKED, *OTHERS]:
        if LEAST[method, path] == "admin":
            continue
        body = NAMED_IN_BODIES.get((method, path))
        own, everywhere = (
            as_member(group, method, path, body, **named(path)) for group in (f"reviewer:{TASK}", "reviewer")
        )
        assert own[0] == everywhere[0], (method, path, own)
        assert own[0] < 400 or own[1]["code"] not in ("NotAllowed", "UnknownResult"), (method, path)


@pytest.mark.usefixtures("stocked", "_login")
def test_things_of_other_tasks_answer_as_if_they_did_not_exist() -> None:
    for path, name in (("/results/{id}", "id"), ("/retrainings/{name}", "name")):
        unknown = {"id": "0" * 32, "name": "never"}[name]
        other, none = (
            as_member(f"reader:{OTHER}", "GET", path, **{name: it})[1] for it in (REAL[name], unknown)
        )
        assert other == none


@pytest.mark.usefixtures("stocked", "_login")
def test_lists_show_the_tasks_of_the_user() -> None:
    waiting = "0" * 32
    dependencies.table().announce(result_document.received(waiting, "chest-xray", "upload"))

    def seen(*groups: str) -> tuple[Any, ...]:
        answers = {path: as_member(",".join(groups), "GET", path) for _, path in SHOWING_OWN_TASKS}
        assert {status for status, _ in answers.values()} == {200}
        rows = answers["/results.csv"][1].splitlines()[1:]
        return (
            [task["name"] for task in answers["/tasks"][1]["tasks"]],
            sorted(result["id"] for result in answers["/results"][1]["results"]),
            sorted(row.partition(",")[0] for row in rows),
            [record["name"] for record in answers["/retrainings"][1]["retrainings"]],
        )

    both = sorted((waiting, REAL["id"]))
    assert seen(f"reader:{OTHER}") == ([OTHER], [], [], [])
    assert seen(f"reader:{TASK}") == ([TASK], [REAL["id"]], [REAL["id"]], ["run"])
    assert seen("reader:chest-xray") == (["chest-xray"], [waiting], [waiting], [])
    assert seen("reader:chest-xray", f"reader:{TASK}")[1:] == (both, both, ["run"])
    assert seen("reader:chest-xray", "reader")[1:] == (both, both, ["run"])
    assert seen("reader:no-such-task") == ([], [], [], [])


@pytest.mark.parametrize("path", ["/results", "/results.csv"])
@pytest.mark.usefixtures("stocked", "_login")
def test_lists_of_other_tasks_are_refused(path: str) -> None:
    status, answer = as_member(f"reader:{OTHER}", "GET", path, None, {"task": TASK})

    assert (status, answer["code"]) == (403, "NotAllowed")
    assert f"'reader:{TASK}'" in answer["message"]
    assert as_member(f"reader:{TASK}", "GET", path, None, {"task": TASK})[0] == 200


@pytest.mark.parametrize("group", ["reviewer", f"reviewer:{TASK}"])
@pytest.mark.usefixtures("client", "_login")
def test_giving_up_an_upload_can_be_repeated(group: str) -> None:
    body, path = NAMED_IN_BODIES["POST", "/uploads"], "/uploads/{id}"
    image_id = as_member(group, "POST", "/uploads", body)[1]["id"]

    assert [as_member(group, "DELETE", path, id=image_id)[0] for _ in range(2)] == [200, 200]
    assert as_member(f"reviewer:{OTHER}", "DELETE", path, id=image_id)[0] == 404
    assert as_member(group, "GET", "/results/{id}", id=image_id)[0] == 404
    assert as_member(group, "DELETE", path, id="0" * 32)[0] == 404


@pytest.mark.usefixtures("stocked", "_login")
def test_reader_of_all_tasks_reviews_only_their_own() -> None:
    path, groups = "/results/{id}/review", "reader,reviewer:{}"

    assert as_member(groups.format(OTHER), "GET", "/results/{id}", id=REAL["id"])[0] == 200
    assert as_member(groups.format(OTHER), "DELETE", path, id=REAL["id"])[0] == 403
    assert as_member(groups.format(TASK), "DELETE", path, id=REAL["id"])[0] == 200


@pytest.mark.usefixtures("_login", "client")
def test_me_names_the_tasks_of_the_user() -> None:
    for groups, role, tasks in (
        ("reader", "reader", None),
        ("reader:chest-xray,reviewer:feet", "reviewer", ["chest-xray", "feet"]),
        ("reader:chest-xray,admin", "admin", None),
    ):
        _, answer = as_member(groups, "GET", "/me")
        assert (answer["role"], answer["tasks"]) == (role, tasks)


def test_no_route_is_left_out() -> None:
    routes = {(method, path) for path, methods in app.app.routes.items() for method in methods}
    assert routes == {*CHECKED, *OTHERS, *(route for route in LEAST if LEAST[route] not in GROUPS)}
