"""The precision of a run that names none: bfloat16 where the device computes in it, float32 elsewhere."""

from typing import Any

import torch


def automatic_precision(accelerator: Any) -> tuple[str, str]:
    """The trainer's precision on an accelerator, and the reason for the log.

    Weights, losses and all measurements stay in float32 either way, the features that are measured, too; encoders
    compute in the precision named here in training. With instructions for bfloat16 a step takes 0.3 to 0.6 of the time
    on a processor (`benchmarks/results/cpu_precision.md`). Those without emulate it, ten times slower than float32
    (measured, AMD EPYC 7003), and so do GPUs older than Ampere.

    Args:
        accelerator: `trainer.accelerator`; "auto" is the GPU where there is one.

    Example:
        >>> automatic_precision("cpu")[0] in ("bf16-mixed", "32-true")
        True
    """
    if accelerator == "cpu" or (accelerator == "auto" and not torch.cuda.is_available()):
        pays, device = cpu_has_bfloat16(), "this processor"
    elif accelerator in ("auto", "gpu", "cuda"):
        pays, device = torch.cuda.is_available() and torch.cuda.is_bf16_supported(False), "this GPU"
    else:
        pays, device = False, f"the accelerator {accelerator}"
    if pays:
        return (
            "bf16-mixed",
            f"{device} has instructions for bfloat16; for float32 throughout: --trainer.precision 32-true",
        )
    return "32-true", f"{device} has no instructions for bfloat16 that we know of"


def cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies matrices in bfloat16 (AVX512-BF16 or AMX)."""
    if not hasattr(torch.cpu, "get_capabilities"):  # before torch 2.11; every processor with AMX tiles has bfloat16
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
