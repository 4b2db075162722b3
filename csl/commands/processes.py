"""How many processes there are to be: as many as were launched, and no more than a machine can take."""

import os
from typing import Any

import torch

PER_CORE = 4


def check_launch(devices: Any, num_nodes: int) -> None:
    """Refuse to train alone, beside others that do the same, where a launcher started several processes for one run.

    Args:
        devices: `trainer.devices`, a number or something that Lightning understands.
        num_nodes: `trainer.num_nodes`.

    Raises:
        ValueError: If torchrun started another number of processes.

    Example:
        >>> check_launch(1, 1)
    """
    launched = int(os.environ.get("WORLD_SIZE", 1)) if "TORCHELASTIC_RUN_ID" in os.environ else 1
    here = int(os.environ.get("LOCAL_WORLD_SIZE", launched))
    on_cpu_alone = devices == "auto" and not torch.cuda.is_available()  # of which Lightning takes one
    if launched > 1 and (on_cpu_alone or (str(devices).isdecimal() and int(devices) * num_nodes != launched)):
        raise ValueError(
            f"devices: expected {here}, as torchrun started {launched} processes, got {devices}: "
            f"--trainer.devices {here} --trainer.num_nodes {max(1, launched // here)} --trainer.strategy ddp"
        )


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
