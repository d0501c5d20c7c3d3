"""What is declared of each route. Checks, groups and openapi.json follow from it."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

from chalicelib.api.auth import Group
from chalicelib.api.parameters import PATH_PARAMETERS, PathParameter, QueryParameter
from chalicelib.errors import (
    InvalidRequest,
    NegatoscopeError,
    NotAllowed,
    TooManyRequests,
    UnsupportedMediaType,
)

JSON = "application/json"

View = Callable[..., Any]
Errors = tuple[type[NegatoscopeError], ...]


@dataclass(frozen=True)
class Content:
    """A body that is not the JSON of a type."""

    description: str
    media_types: tuple[str, ...]
    link: str | None = None
    """What the answer's header Location leads to if it can be a redirect (303) instead."""


class Declared(TypedDict, total=False):
    """What a route may declare, by keyword; see `Route`."""

    group: Group | None
    public: bool
    costly: bool
    query: tuple[QueryParameter, ...]
    body: type | Content | None
    answer: Content | None
    status: int
    errors: Errors


@dataclass(frozen=True)
class Route:
    """One operation of the API."""

    view: View
    """Its docstring documents the operation, its return type the JSON of the answer."""
    method: str
    path: str
    group: Group | None = "reader"
    """The group whose members may call it, as may members of groups with more permissions; None for every
    signed-in user."""
    public: bool = False
    """Whether it needs no login at all."""
    costly: bool = False
    """Whether its requests are counted, so that no user can make too many of them."""
    query: tuple[QueryParameter, ...] = ()
    body: type | Content | None = None
    """A TypedDict for JSON; None without a body."""
    answer: Content | None = None
    """None for JSON."""
    status: int = 200
    """Of the answer to a request that succeeds."""
    errors: Errors = ()
    """What the view raises, besides what follows from the rest of the declaration."""

    @property
    def content_types(self) -> tuple[str, ...]:
        """The content types of requests that are accepted, whether they have a body or not."""
        return self.body.media_types if isinstance(self.body, Content) else (JSON,)

    @cached_property
    def path_parameters(self) -> tuple[PathParameter, ...]:
        """In the order of the path."""
        return tuple(PATH_PARAMETERS[name] for name in re.findall(r"\{(\w+)\}", self.path))

    @cached_property
    def all_errors(self) -> Errors:
        """Every error that the route can answer, each with its subclasses."""
        errors: list[type[NegatoscopeError]] = [UnsupportedMediaType, *self.errors]
        errors += [parameter.missing for parameter in self.path_parameters if parameter.missing]
        if self.needs_group:
            errors.append(NotAllowed)
        if self.costly:
            errors.append(TooManyRequests)
        if self.path_parameters or self.query or self.body:
            errors.append(InvalidRequest)
        return tuple(errors)

    @property
    def body_names_task(self) -> bool:
        """Whether the body has the member `task`."""
        return isinstance(self.body, type) and "task" in self.body.__annotations__

    @property
    def names_task(self) -> bool:
        """Whether the path, the query or the body can name a task."""
        named = {parameter.name for parameter in (*self.path_parameters, *self.query)}
        return self.body_names_task or "task" in named

    @property
    def needs_group(self) -> bool:
        """Whether not every signed-in user may call it."""
        return not self.public and self.group is not None

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return self._documentation[0].removesuffix(".")

    @property
    def description(self) -> str:
        """The rest of the docstring; empty if there is no more."""
        return " ".join(" ".join(self._documentation[1:]).split())

    @property
    def _documentation(self) -> list[str]:
        return (inspect.getdoc(self.view) or "").splitlines() or [""]
