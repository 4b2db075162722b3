"""Which views of a batch are alike: cosines of this process's views with those of all processes."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import Group, gather_equal_rows, rank


class Similarities(NamedTuple):
    """Of this process's 2B views (rows: first views, then second ones) with all 2N views of all processes.

    Attributes:
        cosines: `[2B, 2N]`.
        is_itself: `[2B, 2N]`: where a view meets itself.
        is_same_image: `[2B, 2N]`: where a view meets itself or the other view of its image.
    """

    cosines: Tensor
    is_itself: Tensor
    is_same_image: Tensor


def view_similarities(first: Tensor, second: Tensor, group: Group = None) -> Similarities:
    """The cosines of all pairs, and which pairs are of one view or one image; no shape depends on a value.

    Args:
        first: One view of each of this process's images `[B, D]`, of any length.
        second: The other view of the same images `[B, D]`.
        group: The processes, with as many images each.

    Example:
        >>> view_similarities(torch.eye(1), torch.eye(1)).is_itself
        tensor([[ True, False],
                [False,  True]])
    """
    views = [normalize(view, dim=1) for view in (first, second)]
    everything = torch.cat([gather_equal_rows(view, group) for view in views])
    own, images = len(first), len(everything) // 2
    numbers = torch.arange(own, device=first.device) + rank(group) * own
    rows = torch.cat([numbers, numbers + images])[:, None]
    columns = torch.arange(2 * images, device=first.device)
    return Similarities(torch.cat(views) @ everything.T, columns == rows, columns % images == rows % images)
