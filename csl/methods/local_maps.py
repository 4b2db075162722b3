"""What methods that compare an image with its parts need to know of an encoder's maps."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.encoders import Encoder

ANY_SIZE = 32  # pixels, where an encoder takes images of any size


def local_layers_of(encoder: Encoder) -> tuple[str, ...]:
    """The layers whose maps see parts of an image, which an encoder names itself, from larger parts to smaller ones.

    Raises:
        ValueError: If it names none.

    Example:
        >>> from csl.encoders import LocalNet
        >>> local_layers_of(LocalNet(width=4))
        ('coarse', 'fine')
    """
    if not encoder.local_layers:
        raise ValueError(
            f"encoder: expected one that names layers with maps, such as LocalNet, or their names beside it, got "
            f"{type(encoder).__name__}"
        )
    return encoder.local_layers


def channels_of(encoder: Encoder, layers: Sequence[str]) -> list[int]:
    """How many channels the maps of an encoder's layers have.

    Raises:
        ValueError: If there is no such layer, or it gives no maps.

    Example:
        >>> from csl.encoders import ConvNet
        >>> channels_of(ConvNet(width=4), ["layers.1", "layers.3"])
        [8, 32]
    """
    size, was_training = encoder.native_size or ANY_SIZE, encoder.training
    images = next(encoder.parameters(), torch.zeros(1)).new_zeros(1, encoder.in_channels, size, size)
    with torch.no_grad():
        _, maps = encoder.eval().features_and_maps(images, layers)
    encoder.train(was_training)
    return [one.shape[1] for one in maps]


def places_of(maps: Tensor) -> Tensor:
    """Maps `[B, D, h, w]` as one vector for each place, row by row `[B, h · w, D]`.

    Example:
        >>> places_of(torch.zeros(2, 16, 7, 7)).shape
        torch.Size([2, 49, 16])
    """
    return maps.flatten(2).transpose(1, 2)
