"""What a method, and its option on the command line, takes as its encoder."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from torch import nn

from csl.encoders.base import Encoder

if TYPE_CHECKING:
    # For a type checker an encoder is a module like any other.
    Network = nn.Module
else:

    class Network(ABC):
        """An encoder of csl by its name, or any `torch.nn.Module` by its class path.

        It only describes: every module is one. A union of `Encoder` and `nn.Module` would describe the same, but the
        command line would list hundreds of layers as known encoders, and say every error twice.

        Example:
            >>> isinstance(nn.Linear(2, 2), Network)
            True
        """

        @abstractmethod
        def forward(self, images: Any) -> Any:
            """Encode images `[B, C, H, W]` as features `[B, D]`."""

        @classmethod
        def __subclasses__(cls) -> list[type]:
            """What the command line lists, and takes by its short name."""
            return [Encoder]

    Network.register(nn.Module)
