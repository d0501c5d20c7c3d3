"""The process that decodes, one input after another, so that nothing but itself comes to harm.

It reads inputs from standard input and answers each in JSON: `python -m tests.fuzz.worker TARGET MEGABYTES`.
"""

import contextlib
import hashlib
import json
import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

import numpy as np

from chalicelib import errors
from chalicelib.tasks import InputSpec
from tests import images
from tests.fuzz import processes

HEADER = struct.Struct(">BII")
"""Channels, and the lengths of two files: one to decode before, and the one that is asked about."""
Answer = dict[str, Any]
Target = Callable[[bytes, InputSpec], Answer]


def _prepare(data: bytes, spec: InputSpec) -> Answer:
    """What every image goes through in service."""
    from chalicelib import imaging
    from chalicelib.imaging import display_picture

    try:
        image, decoded = imaging.prepare_and_decode(data, spec)
    except errors.ImageError as error:
        return {
            "kind": "refused",
            "code": error.code,
            "message": error.message,
            "status": int(error.status),
            "causes": [f"{type(cause).__name__}: {cause}" for cause in _causes(error)],
        }
    usable = decoded if display_picture.shows_all(decoded, spec) else None
    del decoded
    picture = display_picture.make(data, usable)
    pixels = image.pixels
    return {
        "kind": "accepted",
        "picture": hashlib.sha256(picture.content + repr(picture.grey).encode()).hexdigest(),
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "array": [str(pixels.dtype), *pixels.shape],
        "box": list(map(int, image.box)),
        "source": image.source.to_dict(),
    }


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error := error and (error.__cause__ or error.__context__):
        yield error


@contextlib.contextmanager
def _api() -> Iterator[Target]:
    """The route that classifies an image, with Chalice's test client in front and moto behind."""
    import tempfile
    from pathlib import Path

    import pytest

    # Sets the environment that app.py reads.
    import tests.conftest  # noqa: F401
    from tests.cloud import account
    from tests.lambdas import in_process
    from tests.models import TASK, write_package

    os.environ |= {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    import chalice.test

    import app
    from chalicelib import dependencies
    from chalicelib.models.classifier import Classifier

    media = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff"}

    with account(), tempfile.TemporaryDirectory() as folder, chalice.test.Client(app.app) as client:
        write_package(Path(folder) / TASK)
        classifier = Classifier({}, lambda: None, Path(folder))

        def classify(data: bytes, _: InputSpec) -> Answer:
            kind = {b"\xff\xd8\xff": "JPEG", b"\x89PN": "PNG", b"II*": "TIFF", b"MM\x00": "TIFF"}.get(
                data[:3], ""
            )
            headers = {"Content-Type": media.get(kind, "application/dicom")}
            answer = client.http.request("POST", f"/tasks/{TASK}/classify", headers=headers, body=data)
            body = json.loads(answer.body)
            if answer.status_code == 200:
                return {"kind": "accepted", "answer": body["label"]}
            if answer.status_code >= 500 or not {"code", "message", "request_id"} <= body.keys():
                return {"kind": "escaped", "traceback": f"{answer.status_code}: {body}"}
            return {"kind": "refused", "status": answer.status_code, **body}

        with pytest.MonkeyPatch.context() as patch:
            decoder = in_process(dependencies.bucket(), patch)
            patch.setattr(dependencies, "decoder", lambda: decoder)
            patch.setattr(dependencies, "classifier", lambda: classifier)
            yield classify


def _faulty(data: bytes, spec: InputSpec) -> Answer:
    """Breaks a promise, to see that it is noticed."""
    fault = data.decode()
    if fault in _ENDS:
        _ENDS[fault]()
    if fault in _ANSWERS:
        return _ANSWERS[fault]
    if fault == "log":
        print(images.PATIENT, file=sys.stderr)
    if fault == "differs":
        return _array(str(os.getpid()), spec.channels)
    if fault == "unwritten":
        return _array(hashlib.sha256(np.empty(100_000, np.uint8)).hexdigest(), spec.channels)
    if fault == "large":
        assert len(bytearray(b"\x01") * 300_000_000)
    while fault == "hang":
        pass
    return _array("", spec.channels)


def _escape() -> NoReturn:
    raise KeyError("escape")


def _die() -> NoReturn:
    print("malloc(): invalid size", file=sys.stderr, flush=True)
    os._exit(3)


_ENDS: Mapping[str, Callable[[], object]] = {
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "exit": lambda: os._exit(3),
    "die": _die,
    "escape": _escape,
    "leave": lambda: sys.exit(1),
}


def _refusal(message: str, **facts: Any) -> Answer:
    return {
        "kind": "refused",
        "code": "DamagedImage",
        "message": message,
        "status": 422,
        "causes": [],
    } | facts


def _array(sha256: str, *shape: int) -> Answer:
    return {"kind": "accepted", "sha256": sha256, "array": ["uint8", *(shape or (1,)), 32, 32]}


_ANSWERS: Mapping[str, Answer] = {
    "memory": _refusal("It is damaged.", causes=["ValueError: no", "MemoryError: "]),
    "leak": _refusal(f"The window {images.PATIENT} is no number."),
    "trace": _refusal("Traceback (most recent call last)"),
    "long": _refusal("word " * 200),
    "control": _refusal("The value \x00\x01 is odd."),
    "server": _refusal("Try again later.", status=500),
    "not JSON": {"kind": "accepted", "answer": b""},
    "shape": {"kind": "accepted", "sha256": "", "array": ["float32", 1, 2, 3]},
}


@contextlib.contextmanager
def _private_output() -> Iterator[BinaryIO]:
    """Standard output for answers alone: what a decoder prints goes where errors go."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        yield answers


def _run(target: Target, source: BinaryIO, answers: BinaryIO) -> None:
    while header := source.read(HEADER.size):
        channels, *lengths = HEADER.unpack(header)
        before, data = map(source.read, lengths)
        line = _answer(target, before, data, InputSpec(width=32, height=32, channels=channels, fit="pad"))
        answers.write(len(line).to_bytes(4, "big") + line)
        answers.flush()


def _answer(target: Target, before: bytes, data: bytes, spec: InputSpec) -> bytes:
    """Decode both files and return the answer about the second as JSON.

    Any exception is an answer as well, from the first file, the measurement or the encoding, too.
    """
    try:
        if before:
            target(before, spec)
        processes.reset_peaks(os.getpid())
        answer = target(data, spec)
        return json.dumps(answer | {"megabytes": processes.peak_megabytes(os.getpid())}).encode()
    except BaseException as error:
        trace = "".join(traceback.format_exception(error))
        return json.dumps({"kind": "escaped", "traceback": trace}).encode()


@contextlib.contextmanager
def _target(name: str) -> Iterator[Target]:
    if name == "api":
        with _api() as classify:
            yield classify
    elif name == "faulty":
        yield _faulty
    else:
        # Loaded before the limit counts, as Lambda does before the first image.
        from chalicelib.imaging.dicom import dicom_reader  # noqa: F401

        yield _prepare


def main(name: str, megabytes: int) -> None:
    with _private_output() as answers, _target(name) as target:
        limit = int(megabytes + processes.unused_megabytes(os.getpid())) << 20
        # The hard limit stays, so that children can set limits of their own.
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        _run(target, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
