"""How long serverless endpoints take to start, which a request of a test or a user sets."""

import re

from local.asgi import Application, Receive, Scope, Send, respond
from local.sagemaker.compute_host import ComputeHost

COLD_START = re.compile(r"/_local/sagemaker/cold-start/(\d+(?:\.\d+)?)")


def with_cold_starts(application: Application, host: ComputeHost) -> Application:
    """Add `POST /_local/sagemaker/cold-start/SECONDS`: idle serverless endpoints refuse requests for so long.

    On AWS it may be a minute or more: the container's image is loaded, the server starts, and the model is
    read. Meanwhile the answer is 429 `ModelNotReadyException`.
    """

    async def serve_or_set(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "POST" and COLD_START.fullmatch(scope["path"])
        if not asked:
            await application(scope, receive, send)
            return
        host.cold_start = float(asked[1])
        await respond(send, 204)

    return serve_or_set
