"""The AWS emulator: ministack on loopback, patched. Started by local.stack."""

import argparse
import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

from ministack import app

from local.asgi import Application, Receive, Scope, Send, reject_websocket, respond
from local.aws import (
    access_log,
    apigateway,
    cloudformation,
    cloudfront,
    cognito,
    distributed_map,
    dynamodb_queries,
    lambda_events,
    persistence,
    policies,
    retention,
    s3,
    s3_records,
    step_functions,
    transport,
)
from local.aws.dynamodb import ItemStore
from local.aws.dynamodb_exports import Exports
from local.aws.lambda_executor import Executor
from local.http_server import serve_until_stopped
from local.loopback import HOST, ask
from local.sagemaker import http_api, integration, scaling
from local.sagemaker.cold_start import with_cold_starts
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.service import Service
from local.sagemaker.spot_interruption import with_interruptions


def main() -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the state")
    parser.add_argument("--layers", type=Path, required=True, help="folder of unpacked layers of Lambdas")
    parser.add_argument("--lambda-python", type=Path, required=True, help="interpreter that runs the Lambdas")
    parser.add_argument(
        "--training-python",
        type=Path,
        required=True,
        help="interpreter that runs SageMaker's jobs and models",
    )
    parser.add_argument("--workers", type=int, required=True, help="maximum number of processes per Lambda")
    parser.add_argument(
        "--site-origin", required=True, help="origin of the page, which may call the services"
    )
    arguments = parser.parse_args()
    asyncio.run(run(arguments))


async def run(arguments: argparse.Namespace) -> None:
    """Patch ministack and serve it."""
    folder, workers = arguments.folder, arguments.workers
    endpoint = f"http://{HOST}:{os.environ['GATEWAY_PORT']}"
    executor = Executor(arguments.lambda_python, folder / "lambda", arguments.layers, endpoint, workers)
    host = ComputeHost(arguments.training_python, folder / "sagemaker", endpoint)
    sagemaker = Service(host)
    apply_patches(executor, sagemaker, folder)
    lambda_events.install(folder / "events.sqlite", workers)
    ItemStore(folder / "items.sqlite").install()
    Exports(endpoint).install()
    threading.Thread(target=resume_when_up, args=(sagemaker,), daemon=True).start()
    application = with_interruptions(with_warm_up(app.app, executor), sagemaker)
    application = guarded(with_cold_starts(application, host), arguments.site_origin)
    await serve_until_stopped(application, int(os.environ["GATEWAY_PORT"]))
    executor.close()
    sagemaker.close()
    # The state is saved. Threads that wait for a Lambda would keep this process alive until it returns.
    os._exit(0)


def apply_patches(executor: Executor, sagemaker: Service, folder: Path) -> None:
    """Patch ministack where it differs from AWS in a way that matters to this application."""
    transport.install()
    s3.install()
    s3_records.install(folder / "objects.sqlite")
    cloudformation.install()
    cloudfront.install()
    apigateway.install()
    access_log.install()
    cognito.install()
    dynamodb_queries.install()
    executor.install()
    http_api.install(sagemaker)
    scaling.install(sagemaker.store)
    step_functions.install()
    distributed_map.install()
    integration.install(sagemaker)
    persistence.install(folder / "layers")
    policies.install()
    retention.install()


def resume_when_up(sagemaker: Service) -> None:
    """Restart SageMaker's endpoints once the emulator answers, as they fetch their models from it."""
    while True:
        with contextlib.suppress(OSError):
            if ask(int(os.environ["GATEWAY_PORT"]), "/_ministack/health") == HTTPStatus.OK:
                break
        time.sleep(0.1)
    sagemaker.resume()


def with_warm_up(application: Application, executor: Executor) -> Application:
    """Add `POST /_local/warm-up`: save all state and start one worker of every Lambda.

    It answers 204, or 500 if a Lambda cannot be started.
    """

    async def serve_or_warm_up(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/_local/warm-up"):
            await application(scope, receive, send)
            return
        persistence.save_everything()
        status = 204 if await asyncio.to_thread(executor.warm) else 500
        await respond(send, status)

    return serve_or_warm_up


def guarded(application: Application, site_origin: str) -> Application:
    """Refuse requests that pages of other sites send through the browser on this machine.

    The services run code, and their credentials are public.
    """

    async def serve_or_refuse(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (
            scope["type"] == "http" and is_trusted(scope["path"], scope["headers"], site_origin)
        ):
            await application(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await reject_websocket(receive, send)
            return
        await receive()
        await respond(send, 403, body=b"Pages of other sites may not use these services.")

    return serve_or_refuse


def is_trusted(path: str, headers: Iterable[tuple[bytes, bytes]], site_origin: str) -> bool:
    """Whether a request is addressed to this machine and comes from a program, our page or the login page."""
    values = {name.lower(): value.decode("latin-1") for name, value in headers}
    address = values.get(b"host", "")
    host = address.partition(":")[0]
    is_here = host in (HOST, "localhost") or host.endswith(".localhost")
    origin = values.get(b"origin")
    if origin is None or origin == site_origin or (path == cognito.FORM and origin == f"http://{address}"):
        return is_here
    return is_here and cloudfront.has_page(origin)


if __name__ == "__main__":
    main()
