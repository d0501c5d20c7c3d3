"""Serves routes with Chalice, reads requests, and turns what views return or raise into answers."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Unpack

from chalice.app import CaseInsensitiveMapping, Chalice, CognitoUserPoolAuthorizer, Request, Response

from chalicelib import fields
from chalicelib.api import auth
from chalicelib.api.auth import Group
from chalicelib.api.owners import Owner, check_task
from chalicelib.api.route import Declared, Route, View
from chalicelib.errors import (
    EndpointNotReady,
    InvalidRequest,
    NegatoscopeError,
    TooManyRequests,
    UnsupportedMediaType,
)
from chalicelib.limits import IMAGE_TYPES
from chalicelib.media_types import FILE_TYPES
from chalicelib.observability import count, logger

_ANY_TYPE = "*/*"

WAITING_HELPS = (EndpointNotReady, TooManyRequests)
RETRY_AFTER_SECONDS = 60

FAILURES = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalErrors",
    HTTPStatus.BAD_GATEWAY: "ModelErrors",
    HTTPStatus.SERVICE_UNAVAILABLE: "EndpointErrors",
}
"""The metric that counts answers of each status that is our fault; Lambda counts only exceptions."""

Headers = dict[str, str | list[str]]


class Answer(Response):
    """A response that is encoded in base64 only if it is bytes.

    All media types of this API are binary for API Gateway (see `Api.__init__`), so it decodes answers marked
    as base64, whatever the caller accepts. Chalice would encode JSON and CSV too, and base64 takes a
    quarter of the 6 MiB that a Lambda can return.
    """

    @classmethod
    def of(cls, answer: Any, status: int) -> "Answer":
        """The response that a view returned, or the JSON of the dict or dataclass that it returned."""
        if isinstance(answer, Response):
            return cls(answer.body, answer.headers, answer.status_code)
        return cls(json.dumps(answer, separators=(",", ":"), default=asdict), status_code=status)

    def _b64encode_body_if_needed(self, response_dict: dict[str, Any], binary_types: list[str]) -> None:
        if isinstance(response_dict["body"], bytes):
            super()._b64encode_body_if_needed(response_dict, binary_types)


class Api:
    """The routes, and the request that is being answered.

    All errors are answered as `{"code", "message", "request_id"}`.
    """

    def __init__(self) -> None:
        """Without routes; `serve` must be called when all of them have been added."""
        self.routes: list[Route] = []
        self.owners: dict[str, Owner] = {}
        self.count: Callable[[str], None] = lambda _user: None
        self._app: Chalice | None = None
        self._authorizer: CognitoUserPoolAuthorizer | None = None

    def serve(self, app: Chalice, user_pool_arn: str | None, *, key_required: bool = False) -> None:
        """Let `app` serve the routes.

        Args:
            app: the application.
            user_pool_arn: of the user pool as whose members callers must be signed in; None without login.
            key_required: whether API Gateway refuses requests without its key, public ones, too.
        """
        self._app = app
        if user_pool_arn:
            self._authorizer = CognitoUserPoolAuthorizer("users", provider_arns=[user_pool_arn])
        # API Gateway compares them with the first type in Accept only, and browsers list several.
        for content_type in (*IMAGE_TYPES, _ANY_TYPE):
            if content_type not in app.api.binary_types:
                app.api.binary_types.append(content_type)
        app.register_middleware(_accept_any_type, "http")
        app.register_middleware(_reshape_framework_errors, "http")
        for route in self.routes:
            self._serve_route(app, route, key_required)

    @property
    def request(self) -> Request:
        """The request that is being answered."""
        request = self._app.current_request if self._app else None
        assert request is not None
        return request

    @property
    def query(self) -> dict[str, str]:
        """The request's query parameters; of a repeated one, the last."""
        return dict(self.request.query_params or {})

    @property
    def has_login(self) -> bool:
        """Whether this stage has a login. Without one, all callers may do everything."""
        return self._authorizer is not None

    @property
    def user(self) -> str:
        """The user who sent the request; see `auth.user`."""
        return auth.user(self.request)

    @property
    def user_name(self) -> str | None:
        """What colleagues know the user by; see `auth.name`."""
        return auth.name(self.request)

    @property
    def groups(self) -> list[str]:
        """The groups of the user who sent the request."""
        return auth.groups(self.request) if self.has_login else list(auth.GROUPS)

    @property
    def role(self) -> Group | None:
        """The user's group with the most permissions; see `auth.strongest_role`."""
        return auth.strongest_role(self.groups)

    @property
    def tasks(self) -> tuple[str, ...] | None:
        """Names of the tasks that the user may see; None for all."""
        return auth.tasks(self.groups)

    def get(self, path: str, **declared: Unpack[Declared]) -> Callable[[View], View]:
        """Add a view for GET requests of a path."""
        return self._route("GET", path, declared)

    def post(self, path: str, **declared: Unpack[Declared]) -> Callable[[View], View]:
        """Add a view for POST requests of a path."""
        return self._route("POST", path, declared)

    def put(self, path: str, **declared: Unpack[Declared]) -> Callable[[View], View]:
        """Add a view for PUT requests of a path."""
        return self._route("PUT", path, declared)

    def delete(self, path: str, **declared: Unpack[Declared]) -> Callable[[View], View]:
        """Add a view for DELETE requests of a path."""
        return self._route("DELETE", path, declared)

    def _route(self, method: str, path: str, declared: Declared) -> Callable[[View], View]:
        def add(view: View) -> View:
            self.routes.append(Route(view, method, path, **declared))
            return view

        return add

    def _serve_route(self, app: Chalice, route: Route, key_required: bool) -> None:
        @functools.wraps(route.view)
        def answered(**path_parameters: str) -> Any:
            return self._answer(route, path_parameters)

        app.route(
            route.path,
            methods=[route.method],
            content_types=list(route.content_types),
            authorizer=None if route.public else self._authorizer,
            api_key_required=key_required,
        )(answered)

    def _answer(self, route: Route, path_parameters: Mapping[str, str]) -> Any:
        try:
            if route.group and route.needs_group:
                auth.check(self.groups, route.group)
            for parameter in route.path_parameters:
                parameter.check(path_parameters[parameter.name])
            if route.group and route.needs_group and not auth.has_role(self.groups, route.group):
                body = json_body(self.request) if route.body_names_task else {}
                check_task(route, self.groups, self.owners, {**self.query, **body, **path_parameters})
            if route.costly and self.has_login:
                self.count(self.user)
            return Answer.of(route.view(**path_parameters), route.status)
        except NegatoscopeError as error:
            if not isinstance(error, route.all_errors):
                report_undeclared(route, error)
            logger.info("refused", extra={"code": error.code})
            retry: Headers = (
                {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, WAITING_HELPS) else {}
            )
            return _error(self.request, error.status, error.code, error.message, retry)
        except Exception:
            logger.exception("unexpected error")
            return _error(
                self.request,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "InternalError",
                "The request failed because of an error on our side. Try again; if it happens again, report "
                "the request id.",
            )


def report_undeclared(route: Route, error: NegatoscopeError) -> None:
    """Log an error that the route does not declare, so that openapi.json lacks it; tests fail on it."""
    logger.warning("undeclared error", extra={"route": f"{route.method} {route.path}", "code": error.code})


def _accept_any_type(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Ignore the Accept header.

    Chalice refuses binary answers if the Accept header is missing or names no binary type. No route offers a
    choice of types, and HTTP allows a server to disregard Accept (RFC 9110, section 12.5.1).
    """
    request.headers = CaseInsensitiveMapping({**request.headers, "accept": _ANY_TYPE})
    return get_response(request)


def _reshape_framework_errors(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Give errors that Chalice answers itself, before any view runs, the shape of all others."""
    response = get_response(request)
    body = response.body
    if not (isinstance(body, dict) and body.keys() == {"Code", "Message"}):
        return response
    code, message = body["Code"], f"{body['Message'].removesuffix('.')}."
    if response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        code = UnsupportedMediaType.__name__
        message = (
            f"This Content-Type is not accepted here. Send images as {', '.join(FILE_TYPES)}, and everything "
            "else as application/json."
        )
    return _error(
        request,
        HTTPStatus(response.status_code),
        code,
        message,
        {str(name): str(value) for name, value in response.headers.items()},
    )


def _error(
    request: Request,
    status: HTTPStatus,
    code: str,
    message: str,
    headers: Headers | None = None,
) -> Response:
    if metric := FAILURES.get(status):
        count(metric)
    body = {"code": code, "message": message, "request_id": request.context.get("requestId")}
    return Answer(body, status_code=status.value, headers=headers)


def body_bytes(request: Request) -> bytes:
    """The request's body as it was sent.

    Raises:
        InvalidRequest: if it is not the base64 that the gateway says it is.
    """
    try:
        body = request.raw_body or b""
    except ValueError:
        raise InvalidRequest("The body cannot be decoded.") from None
    return body if isinstance(body, bytes) else body.encode()


def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        InvalidRequest: if there is none, or it breaks one of the limits.
    """
    return fields.decode_json(body_bytes(request))


api = Api()
"""The API, to which the modules of `chalicelib.routes` add their routes."""
