"""Device and precision of a training."""

import pytest
import torch

from training.model.devices import choose_device, resolve_precision

CPU = torch.device("cpu")


def test_precision_can_be_forced() -> None:
    for wanted in ("float32", "bfloat16"):
        assert resolve_precision(wanted, CPU) == wanted


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_cpu_uses_bfloat16_only_with_native_multiplication(
    capabilities: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)

    assert resolve_precision("auto", CPU) == precision


def test_cpu_uses_float32_if_torch_does_not_report_capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)

    assert resolve_precision("auto", CPU) == "float32"


@pytest.mark.parametrize(("native", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_gpu_uses_float32_if_it_only_emulates_bfloat16(
    native: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native
    )

    assert resolve_precision("auto", torch.device("cuda", 0)) == precision


@pytest.mark.parametrize(("available", "device"), [(True, torch.device("cuda", 0)), (False, CPU)])
def test_device_is_the_gpu_if_there_is_one(
    available: bool, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)

    assert choose_device() == device
