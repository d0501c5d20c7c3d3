"""From requests to plain values, and from errors to answers. The only place that does either."""

import functools
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from chalice.app import CaseInsensitiveMapping, Chalice, CognitoUserPoolAuthorizer, Request, Response

from chalicelib import fields, limits
from chalicelib.api import auth
from chalicelib.errors import (
    EndpointNotReady,
    InvalidRequest,
    NegatoscopeError,
    UnknownTask,
    UnsupportedMediaType,
)
from chalicelib.limits import IMAGE_TYPES, Range
from chalicelib.observability import count, logger
from chalicelib.results.result_document import FINISHED, RECEIVED
from chalicelib.results.selection import Selection
from chalicelib.tasks import Task, load_tasks

JSON = "application/json"
_ANY_TYPE = "*/*"

RETRY_AFTER_SECONDS = 60

FAILURES = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalErrors",
    HTTPStatus.BAD_GATEWAY: "ModelErrors",
    HTTPStatus.SERVICE_UNAVAILABLE: "EndpointErrors",
}
"""The metric that counts each status that is the fault of this side. Lambda counts no error for an answer."""

Headers = dict[str, str | list[str]]
View = Callable[..., Any]


class Answer(Response):
    """A response of which only bytes travel in base64.

    For API Gateway every media type of this API is binary (see `Api.__init__`), so that it decodes what is
    marked as base64, whatever the caller accepts. Chalice would encode JSON and CSV as well, which costs a
    third of the 6 MiB that a Lambda can answer.
    """

    @classmethod
    def of(cls, answer: Any) -> "Answer":
        """What a view returned: a response, or the JSON of one."""
        if isinstance(answer, Response):
            return cls(answer.body, answer.headers, answer.status_code)
        return cls(answer)

    def _b64encode_body_if_needed(self, response_dict: dict[str, Any], binary_types: list[str]) -> None:
        if isinstance(response_dict["body"], bytes):
            super()._b64encode_body_if_needed(response_dict, binary_types)


class Api:
    """Registers routes whose every error is answered as `{"code", "message", "request_id"}`."""

    def __init__(self, app: Chalice, user_pool_arn: str | None):
        """Register on `app`; the members of a user pool have to sign in, where there is one."""
        self._app = app
        self._authorizer = (
            CognitoUserPoolAuthorizer("users", provider_arns=[user_pool_arn]) if user_pool_arn else None
        )
        # API Gateway compares these with the first type in Accept only, and browsers list many.
        for content_type in (*IMAGE_TYPES, _ANY_TYPE):
            if content_type not in app.api.binary_types:
                app.api.binary_types.append(content_type)
        app.register_middleware(_accept_any_type, "http")
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
        return auth.user(self.request)

    @property
    def groups(self) -> list[str]:
        """The groups of whoever asks."""
        return auth.groups(self.request) if self.has_login else list(auth.GROUPS)

    @property
    def role(self) -> str | None:
        """The group of whoever asks that may do most; see `login.role`."""
        return auth.role(self.groups)

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
                auth.check(self.groups, group)
            for name, value in path_parameters.items():
                fields.path_parameter(name, value)
            return Answer.of(view(**path_parameters))
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


def _accept_any_type(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Answer every request with what there is.

    Chalice refuses binary answers to requests whose Accept header names no binary type, or is missing. No
    route has a choice of types, and HTTP lets a server disregard Accept (RFC 9110, section 12.5.1).
    """
    request.headers = CaseInsensitiveMapping({**request.headers, "accept": _ANY_TYPE})
    return get_response(request)


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
    return Answer(body, status_code=status.value, headers=headers)


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
    """The request's body as it was sent.

    Raises:
        InvalidRequest: if the gateway passed on something that is no body.
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


def selection(query: Mapping[str, str]) -> Selection:
    """The results that a list's query parameters ask for.

    Raises:
        InvalidRequest, UnknownTask: saying which parameter is wrong.
    """
    since, until = fields.moment(query.get("from"), "from"), fields.moment(query.get("to"), "to")
    if since and until and since >= until:
        raise InvalidRequest("'to' must be later than 'from'.")
    task = fields.query_text(query, "task", limits.PATH_PARAMETERS["task"])
    return Selection(
        task=find_task(task).name if task else None,
        label=fields.query_text(query, "label", limits.MAX_NAME),
        status=fields.choice(query.get("status"), "status", (RECEIVED, *FINISHED)),
        needs_review=fields.flag(query.get("needs_review"), "needs_review"),
        reviewed=fields.flag(query.get("reviewed"), "reviewed"),
        since=since,
        until=until,
        oldest_first=fields.choice(query.get("order"), "order", ("newest", "oldest")) == "oldest",
    )


def page_parameters(query: Mapping[str, str], allowed: Range) -> tuple[int, str | None]:
    """How many entries of a list are asked for, and the cursor they come after.

    Raises:
        InvalidRequest: if either makes no sense.
    """
    limit = fields.number(query.get("limit"), "limit", allowed)
    return limit, fields.query_text(query, "cursor", limits.MAX_CURSOR)
