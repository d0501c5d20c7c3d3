"""Sends an input to processes that decode it, and says which promise was broken.

Two processes decode it. In each, malloc fills the memory it hands out with another byte, and each decoded
another image before, a white one or a black one. What a decoder did not write itself, or kept from the image
before, makes their arrays differ.
"""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from types import TracebackType

from tests.fuzz import processes, seeds
from tests.fuzz.cases import Case
from tests.fuzz.worker import HEADER, Answer
from tests.stage import ROOT

MAX_SECONDS = 10.0
"""Of processor time, which does not depend on what else the machine does."""
_STUCK_SECONDS = 60.0
"""After so long without an answer it waits for something that never comes."""
_MAX_MESSAGE = 600
_LAST_LINES = 20
"""Of standard error, in the finding about a process that died."""
_IDENTITY = re.compile(r"Unmistakable|UNMISTAKABLE|Doe\^Jane|19551224")
_INSIDE = re.compile(r"Traceback|, line \d|\.py\b|object at 0x|site-packages")


@cache
def memory_limit() -> int:
    """MB of the function that decodes images."""
    functions = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    return int(functions["decode"]["lambda_memory_size"])


class Finding(AssertionError):
    """A promise that an input broke."""

    def __init__(self, kind: str, detail: str):
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Decoder:
    """A process that decodes what it is sent, and is started again after it died."""

    def __init__(self, target: str = "prepare", fill: int = 0):
        self._target = target
        self._environment = os.environ | {"MALLOC_PERTURB_": str(fill), "OPENBLAS_NUM_THREADS": "1"}
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, before: bytes, data: bytes, channels: int) -> None:
        """Let it decode `before`, then `data`; `receive` gives the answer about the latter."""
        process = self._running()
        assert process.stdin
        self._errors.seek(0)
        self._errors.truncate()
        with contextlib.suppress(BrokenPipeError):  # what killed it shows below
            process.stdin.write(HEADER.pack(channels, len(before), len(data)) + before + data)
            process.stdin.flush()

    def receive(self, channels: int) -> Answer:
        """The answer about what was sent.

        Raises:
            Finding: if there is none, or one that must not be.
        """
        assert self._process
        answer = self._answer(self._process)
        self._check(answer, channels)
        return answer

    def close(self) -> None:
        """End the process and its children."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._errors.close()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed with the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", self._target, str(memory_limit())],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> Answer:
        assert process.stdout
        try:
            self._wait(process)
        except Finding:
            self.close()
            raise
        head = process.stdout.read(4)
        line = process.stdout.read(int.from_bytes(head, "big"))
        if len(head) < 4:
            code = process.wait()
            words = self._logged().splitlines()[-_LAST_LINES:]
            self.close()
            name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            raise Finding("crash", "\n".join([*words, f"the decoding process ended with {name}"]))
        answer: Answer = json.loads(line)
        return answer

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until there is an answer, or the process ended.

        Raises:
            Finding: after too long.
        """
        assert process.stdout
        start, used = time.monotonic(), None
        while not select.select([process.stdout], [], [], 1.0)[0]:
            now = processes.cpu_seconds(process.pid)
            used = now - 1 if used is None else used
            # Starting takes processor time as well, of which the limit knows nothing.
            if now - used > MAX_SECONDS:
                raise Finding("hang", f"no answer after {MAX_SECONDS:g} s of processor time")
            if time.monotonic() - start > _STUCK_SECONDS:
                raise Finding(
                    "hang", f"no answer after {_STUCK_SECONDS:g} s, of which it computed {now - used:.1f}"
                )

    def _check(self, answer: Answer, channels: int) -> None:
        if answer["kind"] == "escaped":
            raise Finding("escape", answer["traceback"])
        if answer["megabytes"] > memory_limit():
            raise Finding("memory", f"{answer['megabytes']:.0f} MB of {memory_limit()}")
        if any(cause.startswith("MemoryError") for cause in answer.get("causes", ())):
            raise Finding("memory", f"more than {memory_limit()} MB were asked for")
        if "array" in answer and answer["array"] != ["uint8", channels, 32, 32]:
            raise Finding("shape", str(answer["array"]))
        self._check_words(answer)

    def _check_words(self, answer: Answer) -> None:
        shown = json.dumps([answer.get("source"), answer.get("message")], ensure_ascii=False)
        logged = self._logged()
        if _IDENTITY.search(shown) or _IDENTITY.search(logged):
            raise Finding("leak", "an answer or a log line names the patient")
        message = answer.get("message", "")
        if _INSIDE.search(message) or len(message) > _MAX_MESSAGE or not message.isprintable():
            raise Finding("message", f"not one that a person should read: {message[:200]!r}")
        if answer["kind"] == "refused" and not 400 <= answer["status"] < 500:
            raise Finding("message", f"status {answer['status']} blames the server")

    def _logged(self) -> str:
        """What the process has written to standard error since the last input was sent."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")


@dataclass
class Examiner:
    """Checks cases, with processes that are kept."""

    target: str = "prepare"
    every: int = 50
    """How many accepted inputs lie between two that a fresh process has to decode as well."""

    def __post_init__(self) -> None:
        self._white, self._black = Decoder(self.target, 0x01), Decoder(self.target, 0xAA)
        self._accepted = 0

    def __enter__(self) -> "Examiner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._white.close()
        self._black.close()

    def examine(self, case: Case) -> Answer:
        """The outcome of the input.

        Raises:
            Finding: if it breaks a promise.
        """
        white, black = _images_before(case.seed)
        return self.compare(case.data, case.channels, white, black)

    def compare(self, data: bytes, channels: int, white: bytes, black: bytes) -> Answer:
        """The answer to `data`, which must be the same after either of two images and in a fresh process."""
        self._white.send(white, data, channels)
        self._black.send(black, data, channels)
        try:
            answer = self._white.receive(channels)
        finally:
            other = self._black.receive(channels)
        self._same(answer, other)
        if answer["kind"] == "accepted":
            self._accepted += 1
            if self._accepted % self.every == 0:
                fresh = Decoder(self.target)
                try:
                    fresh.send(b"", data, channels)
                    self._same(answer, fresh.receive(channels))
                finally:
                    fresh.close()
        return answer

    @staticmethod
    def _same(one: Answer, other: Answer) -> None:
        for name in sorted(one.keys() | other.keys() - {"megabytes", "causes", "request_id"}):
            if name not in ("megabytes", "causes", "request_id") and one.get(name) != other.get(name):
                raise Finding(
                    "differs", f"{name}: {one.get(name)} after one image, {other.get(name)} after another"
                )


@cache
def _images_before(seed: str) -> tuple[bytes, bytes]:
    """A white and a black image, in the encoding of the seed where there are such."""
    encoding = seed.rpartition("/")[2]
    name = encoding if f"dicom/white-8/{encoding}" in seeds.SEEDS else "jpeg-2000-lossless"
    return seeds.read(f"dicom/white-8/{name}"), seeds.read(f"dicom/black-8/{name}")
