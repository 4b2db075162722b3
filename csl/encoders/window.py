"""The window an encoder looks through: which mean and standard deviation of its images it is used to."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Window(nn.Module):
    """Mean and standard deviation of each channel, kept with the weights they belong to.

        x ← (x − mean) / std        x: images in [0, 1]

    A window is settled once: by what is given here, by the first `take_window`, or by a checkpoint. From then on it
    stays, whatever images come, and only a checkpoint replaces it. Until then images pass unchanged.

    Args:
        channels: Channels of an image, C.
        mean: Mean of each channel in [0, 1], or one for all; the source's, when training starts, if not given.
            For grey images the three of a colour image are averaged.
        std: Standard deviation of each channel, likewise.

    Attributes:
        mean: What is subtracted, float32 `[C]`; saved in checkpoints.
        std: What is divided by, float32 `[C]`; saved in checkpoints.
        has_window: Whether the window is settled.

    Raises:
        ValueError: If only one of the two is given, their number does not suit the channels, or a value cannot be.

    Example:
        >>> window = Window(channels=1)
        >>> window.take_window([0.5], [0.25])
        >>> window.normalized(torch.tensor([[[[0.0, 0.5, 1.0]]]]))
        tensor([[[[-2.,  0.,  2.]]]])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, mean: Sequence[float] | None = None, std: Sequence[float] | None = None) -> None:
        super().__init__()
        self.has_window = False
        self.register_buffer("mean", torch.zeros(channels, dtype=torch.float32))
        self.register_buffer("std", torch.ones(channels, dtype=torch.float32))
        if mean is not None and std is not None:
            self.take_window(mean, std)
        elif mean is not None or std is not None:
            raise ValueError(f"mean, std: expected both or neither, got mean={mean} and std={std}")

    def take_window(self, mean: Sequence[float], std: Sequence[float], *, settle: bool = True) -> None:
        """Take the statistics of a source of images, unless the window is settled.

        An encoder inside this one is given images that are normalised already; its own window stays open. Where an
        encoder inside has stated one, it normalises, and this one lets images pass.

        Args:
            mean: Mean of each channel in [0, 1], or one for all.
            std: Standard deviation of each channel, or one for all.
            settle: Whether the window stays from now on; not where a network is measured that was never trained.

        Raises:
            ValueError: If their number does not suit the channels, or a value cannot be.

        Example:
            >>> window = Window(3, mean=[0.5], std=[0.5])
            >>> window.take_window([0.1, 0.2, 0.3], [1.0, 1.0, 1.0])  # settled already
            >>> window.mean
            tensor([0.5000, 0.5000, 0.5000])
        """
        inside = [part for part in self.modules() if isinstance(part, Window) and part is not self]
        if not self.has_window and not any(part.has_window for part in inside):
            channels = len(self.mean)
            means, stds = _per_channel("mean", mean, channels), _per_channel("std", std, channels)
            _check_values(means, stds)
            self.mean.copy_(torch.tensor(means, dtype=torch.float32))
            self.std.copy_(torch.tensor(stds, dtype=torch.float32))
        if settle:
            for part in (self, *inside):
                part.has_window = True

    def normalized(self, images: Tensor) -> Tensor:
        """Images `[B, C, H, W]` in [0, 1] as the network is used to them: new ones, of the same type.

        Example:
            >>> images = torch.rand(2, 3, 8, 8)
            >>> bool((Window(3).normalized(images) == images).all())
            True
        """
        mean, std = self.mean.view(-1, 1, 1), self.std.view(-1, 1, 1)
        return (images - mean).div_(std).to(images.dtype)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Let a checkpoint settle the window; foreign weights, which have none, leave it as it is."""
        self.has_window |= f"{prefix}mean" in state_dict and f"{prefix}std" in state_dict
        for name in ("mean", "std"):
            state_dict.setdefault(prefix + name, getattr(self, name))
        super()._load_from_state_dict(state_dict, prefix, *args)


def _per_channel(name: str, values: Sequence[float], channels: int) -> list[float]:
    if len(values) == channels:
        return list(values)
    if len(values) == 1:
        return [values[0]] * channels
    if (len(values), channels) == (3, 1):
        return [sum(values) / 3]
    raise ValueError(f"{name}: expected one number for each of in_channels={channels} channels, got {len(values)}")


def _check_values(mean: Sequence[float], std: Sequence[float]) -> None:
    if not all(0.0 <= value <= 1.0 for value in mean):
        raise ValueError(f"mean: expected numbers from 0 to 1, as images are in [0, 1], got {list(mean)}")
    if not all(0.0 < value < float("inf") for value in std):
        raise ValueError(f"std: expected positive numbers, got {list(std)}")
