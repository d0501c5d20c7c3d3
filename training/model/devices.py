"""What a training computes on, and in which arithmetic."""

import os

import torch

from training.model import parallel


def choose_device() -> torch.device:
    """Take the GPU of this process where there is one, else the processor."""
    return torch.device("cuda", parallel.local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def resolve_precision(wanted: str, device: torch.device) -> str:
    """The arithmetic to train in: bfloat16 where the hardware multiplies it natively, if it is left open."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    # Older versions of torch, as in SageMaker's images, cannot tell what the processor has.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "float32"


def make_deterministic() -> None:
    """Let the same data and the same seed give the same weights.

    On a GPU, where torch has no such way to compute something, it warns and goes on.
    """
    # cuBLAS only promises it with this variable set.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
