"""An upgrade of ministack is detected at the start."""

from types import ModuleType

import pytest

from local.aws import patching
from local.process import StartFailed


def test_installed_version_is_the_patched_one() -> None:
    patching.check_version()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "MINISTACK_VERSION", "1.0.0")

    with pytest.raises(StartFailed, match=r"patches in local/ are for 1\.0\.0"):
        patching.check_version()


def test_missing_patched_name_is_refused() -> None:
    module = ModuleType("service")
    module.handle = lambda: "original"  # type: ignore[attr-defined]

    patching.wrap(module, "handle", lambda handle: lambda: f"wrapped {handle()}")
    assert module.handle() == "wrapped original"

    with pytest.raises(patching.UnsupportedMinistack, match=r"no service\.gone"):
        patching.replace(module, "gone", None)
    with pytest.raises(patching.UnsupportedMinistack, match=r"no service\.gone"):
        patching.wrap(module, "gone", lambda gone: gone)
