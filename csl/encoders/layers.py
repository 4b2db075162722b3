"""What single layers of an encoder give, from the same pass as its features."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

FEATURES = "encoder"


def check_layers(module: nn.Module, layers: Sequence[str]) -> None:
    """Raise a `ValueError` that shows the nearest names for the first one that no submodule has.

    Example:
        >>> check_layers(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), ["2"])
        Traceback (most recent call last):
        ...
        ValueError: layers: expected names of submodules of Sequential, got '2'; there are 0, 1
    """
    known = [name for name, _ in module.named_modules() if name]
    for layer in layers:
        if layer == FEATURES:
            raise ValueError(f"layers: expected other names than {FEATURES!r}, which are the features themselves")
        if layer not in known:
            raise ValueError(
                f"layers: expected names of submodules of {type(module).__name__}, got {layer!r}; {_hint(layer, known)}"
            )


def _hint(layer: str, known: Sequence[str]) -> str:
    if near := difflib.get_close_matches(layer, known, n=3):
        return f"nearest: {', '.join(near)}"
    if not known:
        return "it has none"
    return f"there are {', '.join(name for name in known if '.' not in name)}"


@contextmanager
def recorded(
    module: nn.Module, layers: Sequence[str], rows: int, turned: Callable[[str, Tensor], Tensor]
) -> Iterator[dict[str, Tensor]]:
    """Within the block, keep what layers give, by name; of a layer that is called several times, the last.

    Outputs are turned into what is kept at once, before a later layer can change them in place.

    Args:
        module: The module that the layers belong to.
        layers: Their names.
        rows: How many images the pass has, B.
        turned: What turns a layer's name and output, `[B, D]`, `[B, N, D]` or `[B, D, h, w]`, into what is kept.

    Raises:
        ValueError: If a layer gives something else, or is not called.

    Example:
        >>> import torch
        >>> net = nn.Sequential(nn.Flatten(), nn.ReLU())
        >>> with recorded(net, ["0"], 1, lambda name, output: output.clone()) as found:
        ...     _ = net(torch.tensor([[[-1.0, 1.0]]]))
        >>> found
        {'0': tensor([[-1.,  1.]])}
    """
    found: dict[str, Tensor] = {}

    def keep(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4) or len(output) != rows:
            got = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(
                f"layers: expected [{rows}, D], [{rows}, N, D] or [{rows}, D, h, w] from {name}, got {got}"
            )
        found[name] = turned(name, output)

    handles = [module.get_submodule(name).register_forward_hook(partial(keep, name)) for name in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
    if missing := [name for name in layers if name not in found]:
        raise ValueError(
            f"layers: expected layers that every pass goes through, got {', '.join(missing)}, which this one did not"
        )
