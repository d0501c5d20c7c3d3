"""A reverse proxy to a server on this machine, as an ASGI application. aiohttp speaks HTTP for it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import aiohttp
from yarl import URL

from local.asgi import Header, Receive, Scope, Send
from local.loopback import HOST

MAX_HEADER = 64 * 1024
"""Bytes of the status line and of each header of a response."""

HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
"""Headers that concern one connection only (RFC 9110, section 7.6.1)."""
REPLACED = frozenset({b"host", b"expect", b"x-forwarded-for"})
"""Request headers that are the proxy's own matter."""
OF_SERVER = frozenset({b"date", b"server"})
"""Response headers that the server in front of the proxy sets itself."""


class BadGateway(Exception):
    """The backend cannot be reached or does not speak HTTP."""


class Proxy:
    """Forwards every HTTP request to `port` of loopback, under the host name `host`.

    Bodies are streamed both ways at once: a backend may begin to answer before it has read the whole request.
    A request is given up after `timeout` seconds without progress in either direction. `headers` are added to
    each request.
    """

    def __init__(
        self, port: int, host: str, *, timeout: float = 30.0, headers: Iterable[Header] = ()
    ) -> None:
        self._port = port
        self._own_headers = [(b"host", host.encode()), *headers]
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request.

        Raises:
            BadGateway: if there is no response; nothing has been sent to the client then.
            TimeoutError: likewise, if there is none in time.
        """
        can_respond = True
        loop = asyncio.get_running_loop()

        async def body() -> AsyncIterator[bytes]:
            nonlocal can_respond
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    can_respond = False
                    limit.reschedule(loop.time())  # the response has no reader: give up now
                    raise ConnectionAbortedError("the client has disconnected")
                more = message.get("more_body", False)
                if message.get("body"):
                    yield message["body"]
                    limit.reschedule(loop.time() + self._timeout)

        names = {name for name, _ in scope["headers"]}
        data = body() if names & {b"content-length", b"transfer-encoding"} else None
        try:
            async with (
                asyncio.timeout(self._timeout) as limit,
                _session() as session,
                session.request(
                    scope["method"],
                    self._url(scope),
                    headers=self._request_headers(scope),
                    data=data,
                    allow_redirects=False,
                ) as response,
            ):
                headers = _without(response.raw_headers, HOP_BY_HOP | OF_SERVER)
                start = {"type": "http.response.start", "status": response.status, "headers": headers}
                can_respond = False
                await send(start)
                async for part in response.content.iter_any():
                    limit.reschedule(loop.time() + self._timeout)
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body"})
        except (BadGateway, TimeoutError, aiohttp.ClientError):
            if can_respond:
                raise
            # The server closes the connection, so the client sees that the body is incomplete.

    def _url(self, scope: Scope) -> URL:
        """The URL of the request at the backend: path and query exactly as the client sent them."""
        return URL.build(
            scheme="http",
            host=HOST,
            port=self._port,
            path=scope["raw_path"].decode("ascii"),
            query_string=scope["query_string"].decode("ascii"),
            encoded=True,
        )

    def _request_headers(self, scope: Scope) -> list[tuple[str, str]]:
        replaced = HOP_BY_HOP | REPLACED | {name for name, _ in self._own_headers}
        headers = [
            *self._own_headers,
            (b"x-forwarded-for", scope["client"][0].encode()),
            *_without(scope["headers"], replaced),
        ]
        return [(name.decode("ascii"), value.decode(errors="replace")) for name, value in headers]


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one request and one connection, so that nothing is shared between requests.

    aiohttp's own time limits are off: none of them covers a body that the backend does not read.
    """
    connections: list[socket.socket] = []

    def new_socket(address: aiohttp.AddrInfoType) -> socket.socket:
        connections.append(socket.socket(*address[:3]))
        return connections[-1]

    connector = aiohttp.TCPConnector(force_close=True, socket_factory=new_socket)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        middlewares=(_send_once,),
    ) as session:
        try:
            yield session
        finally:
            for connection in connections:
                with suppress(OSError):  # closed already, or never connected
                    # Closing alone would wait until the backend has read everything.
                    connection.shutdown(socket.SHUT_RDWR)


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request. An error other than aiohttp's own keeps aiohttp from sending it a second time."""
    try:
        return await handler(request)
    except aiohttp.ClientError as error:
        raise BadGateway from error


def _without(headers: Iterable[Header], names: frozenset[bytes]) -> list[Header]:
    """The headers whose names, in lower case, are not in `names`."""
    return [(name, value) for name, value in headers if name.lower() not in names]
