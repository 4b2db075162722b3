"""Pairs of images whose augmentations may coincide: the same image twice, the closest ones, any."""

from collections.abc import Callable

import torch
from torch import Tensor

Pairs = Tensor  # positions of two images in a set [P, 2], int64


def image_pairs(rows: Tensor, labels: Tensor, count: int, seed: int = 0) -> dict[str, Pairs]:
    """At most so many pairs of each kind.

    Args:
        rows: What tells images apart, such as their pixels `[N, D]`.
        labels: Their classes `[N]`; −1 for all of them where there are none, and no kind asks for classes.
        count: Pairs of each kind.
        seed: Of the pairs that are drawn.

    Returns:
        Positions `[P, 2]` by kind: "one image, twice", "closest of one class", "closest of two classes", "any two
        images"; "closest" alone where there are no classes. A kind of which there is no pair is left out.

    Raises:
        ValueError: If there are fewer than two images.

    Example:
        >>> pairs = image_pairs(torch.tensor([[0.0], [0.1], [1.0], [1.3]]), torch.tensor([0, 1, 1, 1]), 1)
        >>> pairs["closest of one class"].tolist(), pairs["closest of two classes"].tolist()
        ([[2, 3]], [[0, 1]])
    """
    if len(rows) < 2:
        raise ValueError(f"images: expected at least 2, got {len(rows)}")
    generator = torch.Generator().manual_seed(seed)
    found = {"one image, twice": torch.randperm(len(rows), generator=generator)[:count, None].expand(-1, 2)}
    if bool((labels >= 0).all()):
        found["closest of one class"] = closest(rows, count, lambda i: labels[i, None] == labels)
        found["closest of two classes"] = closest(rows, count, lambda i: labels[i, None] != labels)
    else:
        found["closest"] = closest(rows, count, lambda i: torch.ones(1, len(rows), dtype=torch.bool))
    first = torch.randint(len(rows), (count,), generator=generator)
    other = (first + torch.randint(1, len(rows), (count,), generator=generator)) % len(rows)
    found["any two images"] = torch.stack([first, other], dim=1)
    return {kind: pairs for kind, pairs in found.items() if len(pairs)}


def closest(rows: Tensor, count: int, allowed: Callable[[Tensor], Tensor], block: int = 512) -> Pairs:
    """The allowed pairs `[P, 2]` of the least Euclidean distance, nearest first.

    Args:
        rows: Vectors `[N, D]`.
        count: At most so many pairs.
        allowed: For some rows `[b]`, with which others each may form a pair `[b, N]`.
        block: Rows compared at a time.
    """
    pairs, apart = torch.empty(0, 2, dtype=torch.int64), torch.empty(0)
    for mine in torch.split(torch.arange(len(rows)), block):
        far = torch.cdist(rows[mine].float(), rows.float())
        later = torch.arange(len(rows)) > mine[:, None]
        far[~(allowed(mine) & later)] = torch.inf
        least, at = far.flatten().topk(min(count, far.numel()), largest=False)
        at = at[least < torch.inf]
        pairs = torch.cat([pairs, torch.stack([mine[at // len(rows)], at % len(rows)], dim=1)])
        apart = torch.cat([apart, least[least < torch.inf]])
    return pairs[apart.argsort(stable=True)[:count]]
