"""The AWS emulator: ministack on loopback, with its gaps closed. Started by local.stack."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app

from local.aws import (
    apigateway,
    cloudformation,
    cloudfront,
    cognito,
    lambda_events,
    persistence,
    retention,
    step_functions,
    transport,
)
from local.aws.asgi import Application, Receive, Send
from local.aws.dynamodb import ItemStore
from local.aws.environment import HOST
from local.aws.lambda_executor import Executor
from local.loopback import ask
from local.sagemaker import http_api, integration
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.service import Service
from local.sagemaker.spot_interruption import with_interruptions


def main() -> None:
    """Serve until SIGTERM, SIGINT, or the end of standard input, which tells that the parent is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where state is kept")
    parser.add_argument("--lambda-python", type=Path, required=True, help="interpreter that runs the Lambdas")
    parser.add_argument(
        "--training-python",
        type=Path,
        required=True,
        help="interpreter that runs SageMaker's jobs and models",
    )
    parser.add_argument("--workers", type=int, required=True, help="most processes per Lambda")
    parser.add_argument("--site-origin", required=True, help="of the page that may talk to the services")
    arguments = parser.parse_args()
    asyncio.run(run(arguments))


async def run(arguments: argparse.Namespace) -> None:
    """Close the gaps and serve."""
    folder, workers = arguments.folder, arguments.workers
    endpoint = f"http://{HOST}:{os.environ['GATEWAY_PORT']}"
    executor = Executor(arguments.lambda_python, folder / "lambda", endpoint, workers)
    sagemaker = Service(ComputeHost(arguments.training_python, folder / "sagemaker", endpoint))
    apply_patches(executor, sagemaker)
    lambda_events.install(folder / "events.sqlite", workers)
    ItemStore(folder / "items.sqlite").install()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    threading.Thread(target=stop_with_parent, args=(loop, stop), daemon=True).start()
    threading.Thread(target=resume_when_up, args=(sagemaker,), daemon=True).start()
    application = guarded(
        with_interruptions(with_warm_up(app.app, executor), sagemaker), arguments.site_origin
    )
    await serve(application, server_config(), shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    executor.close()
    sagemaker.close()
    # All is saved. Threads that wait for a Lambda would keep this process for as long as that runs.
    os._exit(0)


def apply_patches(executor: Executor, sagemaker: Service) -> None:
    """Patch ministack where it differs from AWS in what Negatoscope needs."""
    transport.install()
    cloudformation.install()
    cloudfront.install()
    apigateway.install()
    cognito.install()
    executor.install()
    http_api.install(sagemaker)
    step_functions.install()
    integration.install(sagemaker)
    persistence.install()
    retention.install()


def resume_when_up(sagemaker: Service) -> None:
    """Start SageMaker's endpoints again as soon as they can fetch their models."""
    while True:
        with contextlib.suppress(OSError):
            if ask(int(os.environ["GATEWAY_PORT"]), "/_ministack/health") == HTTPStatus.OK:
                break
        time.sleep(0.1)
    sagemaker.resume()


def server_config() -> Config:
    """Loopback only, and no long wait for idle connections at the end."""
    config = Config()
    config.bind = [f"{HOST}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    return config


def with_warm_up(application: Application, executor: Executor) -> Application:
    """Add `POST /_local/warm-up`: save all state and start one worker of every Lambda.

    The answer is 204, or 500 where a Lambda cannot be started.
    """

    async def serve_or_warm_up(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/_local/warm-up"):
            await application(scope, receive, send)
            return
        persistence.save_everything()
        status = 204 if await asyncio.to_thread(executor.warm) else 500
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})

    return serve_or_warm_up


def guarded(application: Application, site_origin: str) -> Application:
    """Refuse what a web page from elsewhere sends through the browser of the person at this machine.

    The services run code, and their credentials are known to everybody.
    """

    async def serve_or_refuse(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (
            scope["type"] == "http" and is_trusted(scope["path"], scope["headers"], site_origin)
        ):
            await application(scope, receive, send)
            return
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send(
            {"type": "http.response.body", "body": b"Pages of other sites may not use these services."}
        )

    return serve_or_refuse


def is_trusted(path: str, headers: Iterable[tuple[bytes, bytes]], site_origin: str) -> bool:
    """Whether a request is for this machine, and from a program, a page of ours or the login page."""
    values = {name.lower(): value.decode("latin-1") for name, value in headers}
    address = values.get(b"host", "")
    host = address.partition(":")[0]
    is_here = host in (HOST, "localhost") or host.endswith(".localhost")
    origin = values.get(b"origin")
    if origin is None or origin == site_origin or (path == cognito.FORM and origin == f"http://{address}"):
        return is_here
    return is_here and cloudfront.has_page(origin)


def stop_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when the process at the other end of standard input has ended, however it ended."""
    sys.stdin.read()
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    main()
