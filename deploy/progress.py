"""Progress messages of the commands."""

import time

_STARTED = time.monotonic()


def step(text: str) -> None:
    """Print the name of the next step, with the time since the start."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", flush=True)


def say(text: str) -> None:
    """Print a detail of the current step."""
    print(f"    {text}", flush=True)
