"""Where a command computes."""

from typing import NewType

Device = NewType("Device", str)


def chosen_device(name: str | None) -> Device:
    """The device of that name; for None a GPU if there is one.

    Raises:
        ValueError: If there is no such device on this machine.

    Example:
        >>> chosen_device("cpu")
        'cpu'
    """
    import torch

    if name is None:
        return Device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=torch.device(name))
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device: no device {name!r} on this machine; cpu is on every one") from error
    return Device(name)
