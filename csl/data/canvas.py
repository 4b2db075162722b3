"""Images of several sizes in one tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor


def on_canvas(images: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Stack images: each fills the upper left of its place, and the rest is black.

    Args:
        images: uint8 `[C, h, w]`, of one number of channels.

    Returns:
        uint8 `[B, C, H, W]`, as large as the largest, and height and width of each `[B, 2]`, int64; None in place of
        these where all images are of one size.

    Example:
        >>> place, sizes = on_canvas([torch.ones(3, 4, 6), torch.ones(3, 5, 2)])
        >>> place.shape, sizes.tolist()
        (torch.Size([2, 3, 5, 6]), [[4, 6], [5, 2]])
    """
    shapes = {image.shape for image in images}
    if len(shapes) == 1:
        return torch.stack(list(images)), None
    sizes = torch.tensor([image.shape[1:] for image in images])
    height, width = sizes.amax(dim=0).tolist()
    out = images[0].new_zeros((len(images), images[0].shape[0], height, width))
    for place, image in zip(out, images, strict=True):
        place[:, : image.shape[1], : image.shape[2]] = image
    return out, sizes


def heights_and_widths(images: Tensor, sizes: Tensor | None) -> tuple[Tensor, Tensor]:
    """Height and width of each image `[B]`, float32, on the CPU.

    Args:
        images: `[B, C, H, W]`.
        sizes: Those that differ from `H` and `W` `[B, 2]`; None if none do.
    """
    if sizes is None:
        sizes = torch.tensor(images.shape[-2:]).expand(len(images), 2)
    height, width = sizes.to(torch.float32).unbind(dim=1)
    return height, width
