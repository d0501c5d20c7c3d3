"""How a peer talks with the benchmark: a line of JSON when its imports are done, and one for each file.

It needs nothing but Python, so that it runs in every environment.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

Answer = Callable[[bytes], str]
"""From the bytes of a file to what is said about it."""


def serve(load: Callable[[], Answer]) -> None:
    """Answer for each file whose path is a line of the standard input.

    Args:
        load: called for the first file, so that the time of the imports can be told from that of the model.
    """
    _say({"imported": True})
    answer: Answer | None = None
    for line in sys.stdin:
        start = time.perf_counter()
        answer = answer or load()
        said = answer(Path(line.rstrip("\n")).read_bytes())
        _say({"ms": (time.perf_counter() - start) * 1000, "answer": said, "peak_mb": peak_megabytes()})


def peak_megabytes() -> float:
    """The most memory that this process has had (RSS).

    `getrusage` would count the memory of the process that started this one, too.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024 / 1e6


def _say(fact: dict[str, object]) -> None:
    sys.__stdout__.write(json.dumps(fact) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]
