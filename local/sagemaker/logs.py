"""The output of containers, sent to CloudWatch Logs as they print it."""

import contextlib
import logging
import queue
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger("sagemaker")

BATCH_SECONDS = 0.3  # seconds to collect lines before they are sent
MAX_LINE_LENGTH = 200_000  # characters; CloudWatch accepts events of up to 256 KB
MAX_BATCH_LINES = 1000


class LogStream:
    """A log stream. `write` never blocks; `close` waits until everything is sent. Thread-safe."""

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client = client
        self._target = {"logGroupName": group, "logStreamName": stream}
        self._lines: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Add a line. CloudWatch rejects empty events, so an empty line becomes a space."""
        self._lines.put((int(time.time() * 1000), line[:MAX_LINE_LENGTH] or " "))

    def close(self) -> None:
        """Send the remaining lines. Safe to repeat."""
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        self._create()
        open_ = True
        while open_:
            batch = []
            for line in self._take():
                if line is None:
                    open_ = False
                    break
                batch.append({"timestamp": line[0], "message": line[1]})
            if batch:
                self._put(batch)

    def _take(self) -> list[tuple[int, str] | None]:
        """Wait for a line, and collect those of the next `BATCH_SECONDS`."""
        lines = [self._lines.get()]
        if lines[0] is not None:
            time.sleep(BATCH_SECONDS)
        with contextlib.suppress(queue.Empty):
            while len(lines) < MAX_BATCH_LINES:
                lines.append(self._lines.get_nowait())
        return lines

    def _create(self) -> None:
        for create, names in (
            (self._client.create_log_group, ("logGroupName",)),
            (self._client.create_log_stream, ("logGroupName", "logStreamName")),
        ):
            try:
                create(**{name: self._target[name] for name in names})
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    logger.warning("A log stream could not be created: %s", error)
            except BotoCoreError as error:
                logger.warning("A log stream could not be created: %s", error)

    def _put(self, batch: list[dict[str, Any]]) -> None:
        try:
            self._client.put_log_events(**self._target, logEvents=batch)
        except (ClientError, BotoCoreError) as error:  # a log that cannot be written does not fail the job
            logger.warning("%d lines of a log are lost: %s", len(batch), error)
