"""Patch ministack, and fail at the start if an upgrade has removed a patched name."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from local.process import StartFailed

MINISTACK_VERSION = "1.5.33"


class UnsupportedMinistack(StartFailed):
    """The installed ministack is not the version that the patches in this folder were written for."""


def check_version() -> None:
    """Raise UnsupportedMinistack unless the installed version is the one the patches were written for."""
    installed = version("ministack")
    if installed != MINISTACK_VERSION:
        raise UnsupportedMinistack(
            f"ministack {installed} is installed, but the patches in local/ are for {MINISTACK_VERSION}. "
            "Install local/requirements.txt, or check every patch against the new version and change "
            "MINISTACK_VERSION."
        )


def existing(module: Any, name: str) -> Any:
    """Return the attribute `name` of `module`; raise UnsupportedMinistack if it does not exist."""
    if not hasattr(module, name):
        raise UnsupportedMinistack(
            f"ministack {version('ministack')} has no {module.__name__}.{name}, which local/ needs."
        )
    return getattr(module, name)


def replace(module: Any, name: str, replacement: Any) -> None:
    """Set the existing attribute `name` of `module` to `replacement`."""
    existing(module, name)
    setattr(module, name, replacement)


def wrap(module: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace the existing attribute `name` of `module` by `wrapper` of it."""
    setattr(module, name, wrapper(existing(module, name)))
