"""What a training step needs is compared with the memory there is, before training."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.func import functional_call

from csl.data import ImageDataModule
from csl.encoders import Encoder
from csl.methods import Method
from csl.randomness import seeded

_GB = 1e9
_COPIES = 4  # of the weights: themselves, their gradients, and what the optimizer remembers
_VIEWS = 3  # of the views' own memory, while they are drawn
_AT_MOST = 10_000  # times as much as an image takes, an encoder keeps of it; what cannot be too much is not estimated
_HALF = 0.6  # of the memory in half precision
_SURE = 1.5  # an estimate so many times too large is no matter of its accuracy


class MemoryGuard(Callback):
    """Estimates what a step of a fit needs, and refuses to start where there is not nearly so much memory.

    What the encoder keeps of an image for the backward pass is found by a pass over images without content, which
    takes no memory itself. It is a rough number: heads, other networks of a method and the loss are not in it.

    Raises:
        ValueError: Before training, if the device has far less memory in all. If it only has too little at the moment,
            that is a warning.

    Example:
        >>> MemoryGuard()  # doctest: +ELLIPSIS
        <csl.callbacks.memory_guard.MemoryGuard object at ...>
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Estimate and compare; on every process, which all come to the same result about a machine's memory."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(pl_module, Method) or not isinstance(data, ImageDataModule):
            return
        device = trainer.strategy.root_device
        share = data.batch_size // trainer.world_size
        processes = 1 if device.type == "cuda" else trainer.num_devices
        if data.transforms:  # which tell no size of their views
            sizes = Counter({data.image_size: len(data.transforms)})
        else:
            sizes = Counter(one.recipe(data.image_size).image_size for one in data.augmentations)
        pixels = sum(count * size**2 for size, count in sizes.items())
        free, total = memory_of(device)
        if 4 * share * pixels * pl_module.encoder.in_channels * processes * _AT_MOST < free:
            return
        needed = processes * step_bytes(pl_module.encoder, {size: share * count for size, count in sizes.items()})
        needed *= _HALF if str(trainer.precision).startswith(("16", "bf16")) else 1
        side = max(sizes)
        message = (
            f"a step of {share * processes:,} images in {sum(sizes.values())} views of up to {side} x {side} "
            f"pixels needs about {needed / _GB:,.1f} GB with this {type(pl_module.encoder).__name__}"
        )
        advice = "choose a smaller --data.image_size or --data.batch_size, or a smaller encoder"
        if needed > _SURE * total:
            raise ValueError(f"memory: {message}, and {device} has {total / _GB:,.1f} GB in all; {advice}")
        if needed > free:
            rank_zero_warn(f"{message}, and {free / _GB:,.1f} GB of {device} are free; if it fails, {advice}")


def step_bytes(encoder: Encoder, images: Mapping[int, int]) -> float:
    """About how many bytes a training step of an encoder takes; 0 where it cannot be told.

    Args:
        encoder: The encoder, with which nothing happens.
        images: How many images of each height and width there are.

    Example:
        >>> from csl.encoders import ConvNet
        >>> small, large = (step_bytes(ConvNet(width=8), {size: 64}) for size in (32, 64))
        >>> 3.5 < large / small < 4.5
        True
    """
    weights = sum(parameter.numel() * parameter.element_size() for parameter in encoder.parameters())
    total = float(_COPIES * weights)
    for size, count in images.items():
        try:
            kept = kept_bytes(encoder, size)
        except Exception:  # what an encoder of somebody else's does with images without content, nobody knows
            return 0.0
        total += count * (kept + _VIEWS * 4 * encoder.in_channels * size**2)
    return total


def kept_bytes(encoder: Encoder, size: int) -> float:
    """How many bytes an encoder keeps of an image for its backward pass, apart from its weights."""
    from torch._subclasses.fake_tensor import FakeTensorMode  # tensors that have a shape and no content

    with seeded("memory"), torch.enable_grad(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        # Tensors in the encoder's place, so that no statistic of a batch norm moves.
        state: dict[str, Tensor] = {name: mode.from_tensor(value) for name, value in _state(encoder)}
        weights, found = {_place(tensor) for tensor in state.values()}, dict[int, int]()

        def note(tensor: Tensor) -> Tensor:
            if _place(tensor) not in weights:
                found[_place(tensor)] = tensor.untyped_storage().nbytes()
            return tensor

        images = torch.zeros(2, encoder.in_channels, size, size)
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            features = functional_call(encoder, state, (images,))
        del features  # what was kept is kept until here, so that no place is counted for two
    return sum(found.values()) / 2


def memory_of(device: torch.device) -> tuple[float, float]:
    """The bytes of a device that are free, and those it has in all.

    Example:
        >>> free, total = memory_of(torch.device("cpu"))
        >>> 0 < free <= total
        True
    """
    if device.type == "cuda":
        of_gpu = torch.cuda.mem_get_info(device)
        return float(of_gpu[0]), float(of_gpu[1])
    if device.type != "cpu":
        return float("inf"), float("inf")
    lines = [line.split() for line in _text("/proc/meminfo").splitlines()]
    known = {words[0].rstrip(":"): float(words[1]) * 1024 for words in lines if len(words) > 1}
    total, free = known.get("MemTotal", float("inf")), known.get("MemAvailable", float("inf"))
    limit, used = _text("/sys/fs/cgroup/memory.max"), _text("/sys/fs/cgroup/memory.current")
    if limit.isdecimal() and used.isdecimal():  # of a container
        total, free = min(total, float(limit)), min(free, float(limit) - float(used))
    return free, total


def _text(file: str) -> str:
    return Path(file).read_text().strip() if Path(file).is_file() else ""


def _place(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _state(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]
