"""Every encoder that csl.encoders exports, small, by what its constructor takes: the one list of encoders in tests."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

import csl.encoders
from csl.encoders import Encoder

E = TypeVar("E", bound=Encoder)

EXPORTED = [getattr(csl.encoders, name) for name in csl.encoders.__all__]
EVERY: list[type[Encoder]] = [
    found for found in EXPORTED if inspect.isclass(found) and issubclass(found, Encoder) and found is not Encoder
]

# By name of the argument: what makes an encoder small, where its default does not.
SMALL: dict[str, Callable[[int], Any]] = {
    "name": lambda channels: "test_resnet",
    "model": lambda channels: nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU()
    ),
    "width": lambda channels: 8,
    "depth": lambda channels: 10,
    "heads": lambda channels: 2,
    "mlp_width": lambda channels: 16,
    "patch_size": lambda channels: 4,
    "image_size": lambda channels: 8,
    "in_channels": lambda channels: channels,
}
# By class: what another class takes otherwise.
OTHERWISE: dict[str, Callable[[int], dict[str, Any]]] = {
    "HuggingFace": lambda channels: {
        "name": "vit",
        "options": {
            "num_channels": channels,
            "image_size": 8,
            "patch_size": 4,
            "hidden_size": 8,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        },
    }
}
# By class: the package without which it is skipped.
NEEDS = {"HuggingFace": "transformers", "Timm": "timm"}


def small(kind: type[E], in_channels: int = 3, **given: Any) -> E:
    """A small encoder of a class, in eval mode, always the same one."""
    torch.manual_seed(0)
    taken = inspect.signature(kind).parameters
    arguments = {name: make(in_channels) for name, make in SMALL.items() if name in taken}
    if otherwise := OTHERWISE.get(kind.__name__):
        arguments |= otherwise(in_channels)
    return kind(**{**arguments, **given}).eval()


def images(in_channels: int = 3, size: int = 8, count: int = 3) -> torch.Tensor:
    """Random images in [0, 1]."""
    return torch.rand(count, in_channels, size, size, generator=torch.Generator().manual_seed(1))
