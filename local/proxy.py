"""A reverse proxy to a server on this machine, as an ASGI application; aiohttp is its client."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import aiohttp
from yarl import URL

from local.asgi import Header, Receive, Scope, Send
from local.loopback import HOST

MAX_LINE = 64 * 1024
"""Bytes of a line of a response's head."""

HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
"""Headers that concern one connection only (RFC 9110, section 7.6.1)."""
REPLACED = frozenset({b"host", b"expect", b"x-forwarded-for"})
"""Request headers that are the proxy's own matter."""
OF_SERVER = frozenset({b"date", b"server"})
"""Response headers that the server in front of the proxy sets itself."""
ADDED_BY_CLIENT = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Request headers that aiohttp would add if the request has none."""


class BadGateway(Exception):
    """The backend cannot be reached or does not speak HTTP."""


class ClientDisconnected(Exception):
    """The client has closed its connection before it sent the whole body."""


class Proxy:
    """Forwards every HTTP request to `port` of loopback, under the host name `host`.

    Bodies are streamed both ways at once: a backend may begin to answer before it has read the whole request.
    It must not close the connection before that, or its answer can be lost.
    A request is given up after `timeout` seconds without progress in either direction. `headers` are added to
    each request.
    """

    def __init__(
        self, port: int, host: str, *, timeout: float = 30.0, headers: Iterable[Header] = ()
    ) -> None:
        self._port = port
        self._own_headers = [(b"host", host.encode()), (b"connection", b"close"), *headers]
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request.

        Raises:
            BadGateway: if there is no response; nothing has been sent to the client then.
            TimeoutError: likewise, if there is none in time.
        """
        started = False
        try:
            async with asyncio.timeout(self._timeout) as limit, self._session() as session:

                def progress() -> None:
                    limit.reschedule(asyncio.get_running_loop().time() + self._timeout)

                async with self._request(session, scope, receive, progress) as response:
                    headers = end_to_end(response.raw_headers, HOP_BY_HOP | OF_SERVER)
                    start = {"type": "http.response.start", "status": response.status, "headers": headers}
                    await send(start)
                    started = True
                    async for data in response.content.iter_any():
                        progress()
                        await send({"type": "http.response.body", "body": data, "more_body": True})
                    await send({"type": "http.response.body"})
        except (TimeoutError, aiohttp.ClientError) as error:
            if isinstance(error.__cause__, ClientDisconnected):
                return
            if started:
                return  # the server closes the connection, so the client sees that the body is incomplete
            if isinstance(error, TimeoutError):
                raise
            raise BadGateway from error

    def _session(self) -> aiohttp.ClientSession:
        """A client that passes on bytes as they are, and remembers nothing."""
        return aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=MAX_LINE,
            max_line_size=MAX_LINE,
            middlewares=(_only_once,),
            skip_auto_headers=ADDED_BY_CLIENT,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    def _request(
        self, session: aiohttp.ClientSession, scope: Scope, receive: Receive, progress: Callable[[], None]
    ) -> "aiohttp.client._RequestContextManager":
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers = [
            *self._own_headers,
            (b"x-forwarded-for", scope["client"][0].encode()),
            *end_to_end(scope["headers"], HOP_BY_HOP | REPLACED | {name for name, _ in self._own_headers}),
        ]
        has_body = {b"content-length", b"transfer-encoding"} & {name for name, _ in scope["headers"]}
        return session.request(
            scope["method"],
            URL(f"http://{HOST}:{self._port}{target.decode('latin-1')}", encoded=True),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
            data=_read(receive, progress) if has_body else None,
            allow_redirects=False,
        )


async def _only_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep the client from repeating a request: the backend may have acted on it, and its body is gone.

    Raises:
        BadGateway: instead of the errors on which it would.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise BadGateway from error


def end_to_end(headers: Iterable[Header], without: frozenset[bytes]) -> list[Header]:
    """The headers to pass on: those that are not in `without`, which holds names in lower case."""
    return [(name, value) for name, value in headers if name.lower() not in without]


async def _read(receive: Receive, progress: Callable[[], None]) -> AsyncIterator[bytes]:
    """The body of the request, piece by piece."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]
            progress()
