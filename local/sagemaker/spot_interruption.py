"""What AWS does to jobs by itself, and a test or a person has to ask for here."""

import asyncio
import re
from typing import Any

from local.aws.asgi import Application, Receive, Send
from local.sagemaker.errors import SageMakerError
from local.sagemaker.service import Service

INTERRUPT = re.compile(r"/_local/sagemaker/training-jobs/([^/]+)/interrupt")


def with_interruptions(application: Application, service: Service) -> Application:
    """Add `POST /_local/sagemaker/training-jobs/NAME/interrupt`: the spot instance of a job is taken back.

    The job goes on from its checkpoints. The answer is 204, or 409 with the reason where there is no such job
    that trains on a spot instance.
    """

    async def serve_or_interrupt(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "POST" and INTERRUPT.fullmatch(scope["path"])
        if not asked:
            await application(scope, receive, send)
            return
        status, body = 204, b""
        try:
            await asyncio.to_thread(service.trainings.interrupt, asked[1])
        except SageMakerError as error:
            status, body = 409, error.message.encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return serve_or_interrupt
