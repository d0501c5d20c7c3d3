"""From requests to plain values, and from errors to answers. The only place that does either."""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from chalice.app import Chalice, CognitoUserPoolAuthorizer, Request, Response

from chalicelib import login
from chalicelib.errors import (
    EndpointNotReady,
    InvalidRequest,
    NegatoscopeError,
    UnknownTask,
    UnsupportedMediaType,
)
from chalicelib.listing import Selection, timestamp
from chalicelib.observability import count, logger
from chalicelib.results import FINISHED, RECEIVED
from chalicelib.tasks import Task, load_tasks

JSON = "application/json"
IMAGE_TYPES = ("image/jpeg", "image/png", "image/tiff", "application/dicom", "application/octet-stream")

RETRY_AFTER_SECONDS = 60

FAILURES = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalErrors",
    HTTPStatus.BAD_GATEWAY: "ModelErrors",
    HTTPStatus.SERVICE_UNAVAILABLE: "EndpointErrors",
}
"""The metric that counts each status that is the fault of this side. Lambda counts no error for an answer."""

Headers = dict[str, str | list[str]]
View = Callable[..., Any]


class Api:
    """Registers routes whose every error is answered as `{"code", "message", "request_id"}`."""

    def __init__(self, app: Chalice, user_pool_arn: str | None):
        """Register on `app`; the members of a user pool have to sign in, where there is one."""
        self._app = app
        self._authorizer = (
            CognitoUserPoolAuthorizer("users", provider_arns=[user_pool_arn]) if user_pool_arn else None
        )
        for content_type in IMAGE_TYPES:
            if content_type not in app.api.binary_types:
                app.api.binary_types.append(content_type)
        app.register_middleware(_reshape_framework_errors, "http")

    @property
    def request(self) -> Request:
        """The request that is being answered."""
        request = self._app.current_request
        assert request is not None
        return request

    @property
    def query(self) -> dict[str, str]:
        """The request's query parameters; of a repeated one, the last."""
        return dict(self.request.query_params or {})

    @property
    def has_login(self) -> bool:
        """Whether people sign in here; without login everybody may do everything."""
        return self._authorizer is not None

    @property
    def user(self) -> str:
        """Who asks; see `login.user`."""
        return login.user(self.request)

    @property
    def groups(self) -> list[str]:
        """The groups of whoever asks."""
        return login.groups(self.request) if self.has_login else list(login.GROUPS)

    @property
    def role(self) -> str | None:
        """The group of whoever asks that may do most; see `login.role`."""
        return login.role(self.groups)

    def route(
        self,
        path: str,
        method: str = "GET",
        content_types: tuple[str, ...] = (JSON,),
        *,
        public: bool = False,
        group: str | None = "reader",
    ) -> Callable[[View], View]:
        """Like `Chalice.route`, for members of `group` or of one that may do more (see `login.GROUPS`).

        With `group` None, it is enough to be signed in; a `public` route needs no login at all.
        """

        def register(view: View) -> View:
            @functools.wraps(view)
            def answered(**path_parameters: str) -> Any:
                return self._answer(view, path_parameters, None if public else group)

            self._app.route(
                path,
                methods=[method],
                content_types=list(content_types),
                authorizer=None if public else self._authorizer,
            )(answered)
            return view

        return register

    def _answer(self, view: View, path_parameters: Mapping[str, str], group: str | None) -> Any:
        try:
            if group:
                login.check(self.groups, group)
            return view(**path_parameters)
        except NegatoscopeError as error:
            logger.info("refused", extra={"code": error.code})
            retry: Headers = (
                {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, EndpointNotReady) else {}
            )
            return _error(self.request, error.status, error.code, error.message, retry)
        except Exception:
            logger.exception("unexpected error")
            return _error(
                self.request,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "InternalError",
                "Something went wrong here, not with your request. Try again; if it happens again, report "
                "the request id.",
            )


def _reshape_framework_errors(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Chalice answers some errors itself, before any view runs, and in a shape of its own."""
    response = get_response(request)
    body = response.body
    if not (isinstance(body, dict) and body.keys() == {"Code", "Message"}):
        return response
    code, message = body["Code"], f"{body['Message'].removesuffix('.')}."
    if response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        code = UnsupportedMediaType.__name__
        message = (
            "This Content-Type is not accepted here. Send images as image/jpeg, image/png, image/tiff or "
            "application/dicom, everything else as application/json."
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
    return Response(body, status_code=status.value, headers=headers)


def find_task(name: str) -> Task:
    """The task a path or body names.

    Raises:
        UnknownTask: listing those there are.
    """
    task = load_tasks().get(name)
    if task is None:
        raise UnknownTask(f"There is no such task. The tasks are {', '.join(load_tasks())}.")
    return task


def body_bytes(request: Request) -> bytes:
    """The request's body as it was sent."""
    body = request.raw_body or b""
    return body if isinstance(body, bytes) else body.encode()


def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        InvalidRequest: if it is none.
    """
    try:
        body = json.loads(body_bytes(request))
    except ValueError:
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return body


def text(body: Mapping[str, Any], name: str, longest: int = 1000) -> str:
    """A string out of a JSON object.

    Raises:
        InvalidRequest: if it is missing, no string, or too long.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequest(f"'{name}' is missing or not a text.")
    if len(value) > longest:
        raise InvalidRequest(f"'{name}' may have {longest} characters, not {len(value)}.")
    return value


def flag(value: str | None, name: str) -> bool | None:
    """A query parameter that is `true`, `false` or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    if value is None:
        return None
    if value not in ("true", "false"):
        raise InvalidRequest(f"'{name}' must be true or false.")
    return value == "true"


def number(value: str | None, name: str, default: int, low: int, high: int) -> int:
    """A query parameter that is a whole number from `low` to `high`, or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    if value is None:
        return default
    if not value.isdecimal() or not low <= int(value) <= high:
        raise InvalidRequest(f"'{name}' must be a whole number from {low} to {high}.")
    return int(value)


def selection(query: Mapping[str, str]) -> Selection:
    """The results that a list's query parameters ask for.

    Raises:
        InvalidRequest, UnknownTask: saying which parameter is wrong.
    """
    since, until = moment(query.get("from"), "from"), moment(query.get("to"), "to")
    if since and until and since >= until:
        raise InvalidRequest("'to' must be later than 'from'.")
    return Selection(
        task=find_task(query["task"]).name if "task" in query else None,
        label=query.get("label"),
        status=choice(query.get("status"), "status", (RECEIVED, *FINISHED)),
        needs_review=flag(query.get("needs_review"), "needs_review"),
        reviewed=flag(query.get("reviewed"), "reviewed"),
        since=since,
        until=until,
        oldest_first=choice(query.get("order"), "order", ("newest", "oldest")) == "oldest",
    )


def choice(value: str | None, name: str, choices: tuple[str, ...]) -> str | None:
    """A query parameter that is one of a few words, or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    if value is None or value in choices:
        return value
    raise InvalidRequest(f"'{name}' must be one of {', '.join(choices)}.")


def moment(value: str | None, name: str) -> str | None:
    """A query parameter that is a time with its offset from UTC, as results write times; or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo:
            return timestamp(time.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    raise InvalidRequest(f"'{name}' must be a time such as 2026-11-21T00:00:00Z.")
