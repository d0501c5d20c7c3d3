"""Errors and what the API answers for each."""

from http import HTTPStatus

import pytest

from chalicelib import errors
from chalicelib.errors import NegatoscopeError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidHyperparameters, HTTPStatus.BAD_REQUEST),
        (errors.EndpointMissing, HTTPStatus.SERVICE_UNAVAILABLE),
        (errors.InvalidImage, HTTPStatus.UNPROCESSABLE_ENTITY),
        (errors.ImageTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (errors.InvalidModelPackage, HTTPStatus.INTERNAL_SERVER_ERROR),
    ],
)
def test_code_is_the_class_and_status_is_inherited(error: type[NegatoscopeError], status: int) -> None:
    raised = error("What is wrong.")
    assert (raised.code, raised.message, raised.status) == (error.__name__, "What is wrong.", status)
    assert str(raised) == "What is wrong."
