"""What follows from the declaration of a route."""

import pytest

from chalicelib.api.parameters import StrParameter
from chalicelib.api.route import Content, Route
from chalicelib.errors import InvalidRequest, NotAllowed, UnknownResult, UnknownTask, UnsupportedMediaType


def view() -> None:
    """Do one thing.

    It takes
    a while.
    """


def undocumented() -> None:
    pass


def test_docstring_gives_summary_and_description() -> None:
    route = Route(view, "GET", "/things")
    assert (route.summary, route.description) == ("Do one thing", "It takes a while.")
    assert (Route(undocumented, "GET", "/").summary, Route(undocumented, "GET", "/").description) == ("", "")


def test_path_parameters_come_in_the_order_of_the_path() -> None:
    route = Route(view, "GET", "/tasks/{task}/results/{id}")
    assert [parameter.name for parameter in route.path_parameters] == ["task", "id"]
    assert {UnknownTask, UnknownResult, InvalidRequest} <= set(route.all_errors)
    with pytest.raises(KeyError):
        _ = Route(view, "GET", "/tasks/{other}").path_parameters


def test_errors_follow_from_the_declaration() -> None:
    assert Route(view, "GET", "/health", public=True).all_errors == (UnsupportedMediaType,)
    assert Route(view, "GET", "/me", group=None).all_errors == (UnsupportedMediaType,)
    assert set(Route(view, "GET", "/a").all_errors) == {UnsupportedMediaType, NotAllowed}
    query = (StrParameter("name", 3, "A name."),)
    assert InvalidRequest in Route(view, "GET", "/a", query=query).all_errors
    assert InvalidRequest in Route(view, "POST", "/a", body=dict).all_errors


def test_content_types_are_json_unless_declared() -> None:
    assert Route(view, "POST", "/a", body=dict).content_types == ("application/json",)
    assert Route(view, "POST", "/a", body=Content("An image.", ("image/png",))).content_types == (
        "image/png",
    )
