"""Hypercorn, the HTTP server that every ASGI application of this folder runs on."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

from hypercorn.asyncio import serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config

from local.asgi import Application, http_only
from local.loopback import HOST


def configuration(bind: str) -> Config:
    """Hypercorn's settings for serving on `bind`, such as "127.0.0.1:8000"."""
    config = Config()
    config.bind = [bind]
    config.include_server_header = False
    config.keep_alive_timeout = 75  # seconds
    config.graceful_timeout = 1  # seconds for requests under way when the server stops
    return config


async def serve_until_stopped(application: Application, port: int) -> None:
    """Serve on a port of loopback until SIGTERM, SIGINT or the end of the parent process.

    The parent holds the other end of standard input open, so that end-of-file shows that it has ended,
    in whatever way.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    def follow_parent() -> None:
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=follow_parent, daemon=True).start()
    await _serve(application, configuration(f"{HOST}:{port}"), stop)


@contextlib.contextmanager
def serving(application: Application, certificate: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Serve in a thread while the context lasts, and give out the port: a free one of loopback.

    `certificate` holds the files of a certificate and its key; with it, the server speaks HTTPS.
    """
    listener = socket.create_server((HOST, 0), backlog=128)
    port = listener.getsockname()[1]
    config = configuration(f"fd://{listener.detach()}")
    config.graceful_timeout = 0
    if certificate:
        config.certfile, config.keyfile = map(str, certificate)
        # Over HTTP/2, a browser sends all its requests at once, and ministack's CloudFront refuses that many.
        config.alpn_protocols = ["http/1.1"]
    running: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def run() -> None:
        stop = asyncio.Event()
        running.put((asyncio.get_running_loop(), stop))
        await _serve(http_only(application), config, stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    loop, stop = running.get()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve(application: Application, config: Config, stop: asyncio.Event) -> None:
    TCPServer._read_data = _releasing_closed_connections  # type: ignore[assignment, method-assign]
    await serve(application, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


_read_data = TCPServer._read_data


async def _releasing_closed_connections(server: TCPServer) -> None:
    """Release a connection when the client has closed it.

    Hypercorn 0.18 keeps it until `keep_alive_timeout` has passed, so that the number of open files follows
    the number of requests. Can go when Hypercorn stops its idle timer at the end of `_read_data`.
    """
    await _read_data(server)
    await server.idle_task.stop()
