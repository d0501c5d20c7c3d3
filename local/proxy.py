"""A reverse proxy to a server on this machine, as an ASGI application. h11 speaks HTTP for it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress

import h11

from local.asgi import Header, Receive, Scope, Send
from local.loopback import HOST

CHUNK = 64 * 1024
MAX_HEADERS = 64 * 1024
"""Bytes of a response's status line and headers."""

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


class ClientDisconnected(Exception):
    """The client has closed its connection before it sent the whole body."""


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
            async with (
                connected(self._port, self._timeout) as backend,
                running(self._send_request(backend, scope, receive)),
            ):
                response = await backend.response()
                headers = end_to_end(response.headers, HOP_BY_HOP | OF_SERVER)
                start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
                await send(start)
                started = True
                async for data in backend.body():
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                await send({"type": "http.response.body"})
        except ClientDisconnected:
            pass
        except (OSError, h11.ProtocolError) as error:  # TimeoutError is an OSError
            if started:
                return  # the server closes the connection, so the client sees that the body is incomplete
            if isinstance(error, TimeoutError):
                raise
            raise BadGateway from error

    async def _send_request(self, backend: "BackendConnection", scope: Scope, receive: Receive) -> None:
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers = [
            *self._own_headers,
            (b"x-forwarded-for", scope["client"][0].encode()),
            *end_to_end(scope["headers"], HOP_BY_HOP | REPLACED | {name for name, _ in self._own_headers}),
        ]
        with suppress(ConnectionError):  # a backend may refuse a body before it has read all of it
            await backend.send(h11.Request(method=scope["method"], target=target, headers=headers))
            async for data in _body(receive):
                await backend.send(h11.Data(data=data))
            await backend.send(h11.EndOfMessage())


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do `work` while the context lasts. An error of it ends the context; the context's end cancels it."""
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work)
            yield
            task.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


@asynccontextmanager
async def connected(port: int, timeout: float) -> AsyncIterator["BackendConnection"]:
    """A connection to the backend while the context lasts.

    Raises:
        OSError: if there can be none.
        TimeoutError: after `timeout` seconds without progress.
    """
    async with asyncio.timeout(timeout) as limit:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            yield BackendConnection(reader, writer, limit, timeout)
        finally:
            writer.transport.abort()  # close() would wait until the backend has read everything


class BackendConnection:
    """A connection to the backend, for one request. Progress moves `limit` to `timeout` seconds from now."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limit: asyncio.Timeout,
        timeout: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._limit = limit
        self._timeout = timeout
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)

    async def send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        """Send part of the request."""
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()
            self._progress()

    async def response(self) -> h11.Response:
        """The status and headers of the response."""
        while not isinstance(event := await self._receive(), h11.Response):
            if isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("no response")
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """The response's body, piece by piece."""
        while isinstance(event := await self._receive(), h11.Data):
            yield bytes(event.data)
            self._progress()

    async def _receive(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(CHUNK))
            self._progress()
        return event

    def _progress(self) -> None:
        self._limit.reschedule(asyncio.get_running_loop().time() + self._timeout)


def end_to_end(headers: Iterable[Header], without: frozenset[bytes]) -> list[Header]:
    """The headers to pass on: those that are not in `without`, which holds names in lower case."""
    return [(name, value) for name, value in headers if name.lower() not in without]


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]
