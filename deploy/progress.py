"""What deploying and destroying tell while they work."""

import time

_STARTED = time.monotonic()


def step(text: str) -> None:
    """Print what comes next, and when."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", flush=True)


def say(text: str) -> None:
    """Print a detail of the step."""
    print(f"    {text}", flush=True)
