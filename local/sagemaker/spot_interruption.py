"""Spot interruptions, which AWS causes and here a request of a test or a user does."""

import asyncio
import re

from local.asgi import Application, Receive, Scope, Send, respond
from local.sagemaker.errors import SageMakerError
from local.sagemaker.service import Service

INTERRUPT = re.compile(r"/_local/sagemaker/training-jobs/([^/]+)/interrupt")


def with_interruptions(application: Application, service: Service) -> Application:
    """Add `POST /_local/sagemaker/training-jobs/NAME/interrupt`: interrupt the spot instance of a job.

    The job resumes from its checkpoints. The answer is 204, or 409 with the reason if no such job is
    training on a spot instance.
    """

    async def serve_or_interrupt(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "POST" and INTERRUPT.fullmatch(scope["path"])
        if not asked:
            await application(scope, receive, send)
            return
        status, body = 204, b""
        try:
            await asyncio.to_thread(service.trainings.interrupt, asked[1])
        except SageMakerError as error:
            status, body = 409, error.message.encode()
        await respond(send, status, body=body)

    return serve_or_interrupt
