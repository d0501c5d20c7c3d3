"""Small Lambdas that tests deploy beside those of the app."""

import inspect
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.stack.client import Client

ROLE = "arn:aws:iam::000000000000:role/negatoscope-local-{}"


@dataclass(frozen=True)
class Function:
    """A deployed function."""

    client: Client
    name: str

    def call(self, event: Any) -> tuple[Any, str | None]:
        """Invoke the function. Return its response, and its error or None."""
        answer = self.client.functions.invoke(FunctionName=self.name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def send(self, event: Any) -> None:
        """Invoke the function asynchronously."""
        self.client.functions.invoke(
            FunctionName=self.name, InvocationType="Event", Payload=json.dumps(event)
        )

    def starts(self) -> int:
        """The number of invocations in its log."""
        return sum(message.startswith("START") for message in self.log())

    def log(self) -> list[str]:
        """The messages in its log group, which the first invocation creates."""
        logs = self.client.aws("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self.name}")
        try:
            return [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []


@contextmanager
def deployed(client: Client, handler: Callable[..., Any], role: str, timeout: int = 60) -> Iterator[Function]:
    """Deploy `handler`, which must import what it uses, with the role of one of the app's Lambdas."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handlers.py", f"from typing import Any\n\n\n{inspect.getsource(handler)}")
    name = f"test-{handler.__name__.replace('_', '-')}-{role}"
    client.functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler=f"handlers.{handler.__name__}",
        Role=ROLE.format(role),
        Timeout=timeout,
        Code={"ZipFile": archive.getvalue()},
    )
    try:
        yield Function(client, name)
    finally:
        client.functions.delete_function(FunctionName=name)
        logs = client.aws("logs")
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
