"""JSON Schema keywords for types, so that a shape and its limits are declared in one place."""

from collections.abc import Callable
from typing import Any


class Schema:
    """Keywords that describe a type more closely: `Annotated[float, Schema(minimum=0, maximum=1)]`.

    deploy/openapi.py has pydantic turn the types of the API into JSON Schema. pydantic calls the method below
    by its name, so what runs in Lambda needs no pydantic.
    """

    def __init__(self, **keywords: Any):
        self.keywords = keywords

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        return handler(core_schema) | self.keywords
