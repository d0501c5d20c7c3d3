"""Lambdas that others wait for, in this process."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from chalicelib.errors import FileRemoved
from chalicelib.pipeline import decoding
from chalicelib.pipeline.decoder import Decoder
from chalicelib.storage.bucket import DataBucket, Link
from chalicelib.storage.errors import ObjectMissing

type Handler = Callable[[Any], Any]


def download(bucket: DataBucket, links: Sequence[Link]) -> bytes:
    """What `decoding.download` does, with boto3: moto answers nothing else."""
    for link in links:
        url = urlsplit(link["url"])
        key = unquote(url.path).removeprefix(f"/{bucket.name}").removeprefix("/")
        (version,) = parse_qs(url.query).get("versionId", [None])
        etag = link["headers"].get("If-Match", "").strip('"')
        try:
            return bucket.read(key, etag or None, version).body
        except ObjectMissing:
            continue
    raise FileRemoved("The file was removed or replaced before it could be read.")


def answer(handler: Handler, payload: bytes) -> dict[str, Any]:
    """Lambda's answer to a request that waits for it."""
    try:
        body = handler(json.loads(payload))
    except Exception as error:
        body = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return {"FunctionError": "Unhandled", "Payload": BytesIO(json.dumps(body).encode())}
    return {"Payload": BytesIO(json.dumps(body).encode())}


class FakeLambda:
    """A boto3 `lambda` client that runs `handler`."""

    def __init__(self, handler: Handler):
        self._handler = handler

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        """Run it, and answer as Lambda does."""
        return answer(self._handler, Payload)


def in_process(bucket: DataBucket, monkeypatch: pytest.MonkeyPatch) -> Decoder:
    """A decoder that needs no Lambda."""
    monkeypatch.setattr(decoding, "download", partial(download, bucket))
    fake = FakeLambda(lambda event: decoding.answer(event, bucket))
    return Decoder(lambda _: fake, "decode")
