"""The precision of a run that names none: bfloat16 where the device is faster in it, float32 elsewhere."""

from typing import Any

import torch


def automatic_precision(accelerator: Any) -> tuple[str, str]:
    """The trainer's precision on an accelerator, and the reason for the log.

    Weights, losses and all measurements stay in float32 either way, the features that are measured, too; encoders
    compute in the precision named here in training. A processor needs AMX for it: an Intel Xeon without, whose AVX-512
    has instructions for bfloat16, is slower in it than in float32 (`benchmarks/results/cpu_precision.md`), and
    processors with neither emulate it, ten times slower (measured, AMD EPYC 7003). So do GPUs older than Ampere.

    Args:
        accelerator: `trainer.accelerator`; "auto" is the GPU where there is one.

    Example:
        >>> automatic_precision("cpu")[0] in ("bf16-mixed", "32-true")
        True
    """
    if accelerator == "cpu" or (accelerator == "auto" and not torch.cuda.is_available()):
        pays, device = cpu_has_amx(), "this processor"
    elif accelerator in ("auto", "gpu", "cuda"):
        pays, device = torch.cuda.is_available() and torch.cuda.is_bf16_supported(False), "this GPU"
    else:
        pays, device = False, f"the accelerator {accelerator}"
    if pays:
        return (
            "bf16-mixed",
            f"{device} is made for bfloat16; for float32 throughout: --trainer.precision 32-true",
        )
    return "32-true", f"{device} is no faster in bfloat16 that we know of; to try it: --trainer.precision bf16-mixed"


def cpu_has_amx() -> bool:
    """Whether this processor has a unit that multiplies matrices in bfloat16."""
    if not hasattr(torch.cpu, "get_capabilities"):  # before torch 2.11; every processor with AMX tiles has bfloat16
        return bool(torch.cpu._is_amx_tile_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))
