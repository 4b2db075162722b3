"""How many processes a machine can take."""

import os
from typing import Any

import torch

PER_CORE = 4


def check_processes(accelerator: Any, devices: Any) -> None:
    """Refuse so many processes on processors that they would only take each other's memory.

    Args:
        accelerator: `trainer.accelerator`; GPUs are counted by Lightning.
        devices: `trainer.devices`, a number or something that Lightning understands.

    Raises:
        ValueError: If there are more than four for each core.

    Example:
        >>> check_processes("cpu", "auto")
        >>> check_processes("cpu", 1)
    """
    on_cpu = accelerator == "cpu" or (accelerator == "auto" and not torch.cuda.is_available())
    if not on_cpu or not str(devices).isdecimal():
        return
    cores = os.cpu_count() or 1
    if int(devices) > PER_CORE * cores:
        raise ValueError(f"devices: expected at most {PER_CORE * cores} processes on {cores} cores, got {devices}")
