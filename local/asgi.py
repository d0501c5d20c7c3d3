"""What the ASGI applications of this folder share: their types and the ways to answer a request."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

Header = tuple[bytes, bytes]

DRAIN_SECONDS = 1.0


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a request header; `name` in lower case. None if the request lacks it."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


async def respond(send: Send, status: int, headers: Iterable[Header] = (), body: bytes = b"") -> None:
    """Send a whole response. The server leaves the body out where HTTP allows none."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def respond_error(receive: Receive, send: Send, status: HTTPStatus, message: str) -> None:
    """Send an error in the form in which the API sends its own.

    The request's body is read first and dropped for `DRAIN_SECONDS`: with unread data, closing the
    connection would reset it, and the client might not get the response.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await receive()).get("more_body"):
                pass
    code = status.phrase.title().replace(" ", "").replace("-", "")
    body = json.dumps({"code": code, "message": message, "request_id": str(uuid.uuid4())}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await respond(send, status, headers, body)


def with_repeatable_end(receive: Receive) -> Receive:
    """Let the end of a request's body be received again and again.

    A server would make the second call wait until the client disconnects.
    """
    end: Message | None = None

    async def receive_again() -> Message:
        nonlocal end
        message = end or await receive()
        if not message.get("more_body"):
            end = message
        return message

    return receive_again


def http_only(application: Application) -> Application:
    """Keep everything but HTTP requests from an application: lifespan events and WebSocket handshakes."""

    async def serve_http(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await application(scope, receive, send)
        elif scope["type"] == "websocket":
            await reject_websocket(receive, send)

    return serve_http


async def reject_websocket(receive: Receive, send: Send) -> None:
    """Answer a WebSocket handshake with 403."""
    await receive()
    await send({"type": "websocket.close"})
