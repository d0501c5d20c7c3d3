"""A fake boto3 client of SageMaker Runtime."""

import json
from io import BytesIO
from typing import Any


class FakeRuntime:
    """A SageMaker Runtime client that returns or raises the next of `answers` at each call."""

    def __init__(self, *answers: Any, variant: str | None = "blue"):
        self.answers = list(answers)
        self.variant = {"InvokedProductionVariant": variant} if variant else {}
        self.requests: list[dict[str, Any]] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return {"Body": BytesIO(body)} | self.variant
