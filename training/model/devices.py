"""Device and precision of a training."""

import os

import torch
import torch.utils.deterministic

from training.model import parallel


def choose_device() -> torch.device:
    """The GPU of this process if there is one, else the CPU."""
    return torch.device("cuda", parallel.local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def resolve_precision(wanted: str, device: torch.device) -> str:
    """The precision of training; "auto" is bfloat16 where the hardware multiplies it natively."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    # Older versions of torch, as in SageMaker's images, have no get_capabilities.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "float32"


def make_deterministic() -> None:
    """Make training deterministic: the same data and seed give the same weights.

    On a GPU, torch only warns where it has no deterministic algorithm.
    """
    # cuBLAS is deterministic only with this variable.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    # It would fill every new tensor with NaN, to show that one is read before it is written. No operation
    # here does that, and it took a tenth of the time of a training.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # stubs lack it
