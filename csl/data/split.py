"""Stratified, seeded choices of rows: every class keeps its share, and the same seed always chooses the same rows."""

import torch
from torch import Tensor

from csl.randomness import derive_generator


def stratified(labels: Tensor, count: int, seed: int, *, keep_rest: bool = True) -> tuple[Tensor, Tensor]:
    """Choose `count` rows so that each class gives its proportional share (largest remainders), at least one row.

    Args:
        labels: Class of each row `[N]`; rows without a label (-1) count as one class.
        count: How many rows to choose.
        seed: Seeds the choice within each class.
        keep_rest: Whether each class must also keep at least one row that is not chosen.

    Returns:
        Positions of the rows left and of the rows chosen, each ascending, int64.

    Raises:
        ValueError: If the classes are too small or too many for that.

    Example:
        >>> rest, chosen = stratified(torch.tensor([0, 0, 0, 0, 1, 1]), 3, seed=0)
        >>> len(rest), torch.tensor([0, 0, 0, 0, 1, 1])[chosen].tolist()
        (3, [0, 0, 1])
    """
    classes, sizes = torch.unique(labels, return_counts=True)
    most = sizes - int(keep_rest)
    if count < len(classes) or count > int(most.sum()) or int(most.min()) < 1:
        raise ValueError(
            f"cannot choose {count} of {len(labels)} rows with every class on "
            f"{'both sides' if keep_rest else 'the chosen side'}: {len(classes)} classes, the smallest has "
            f"{int(sizes.min())} rows; choose between {len(classes)} and {int(most.sum())} rows"
        )
    generator = derive_generator(seed, "stratified")
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label, quota in zip(classes, _quotas(sizes, most, count), strict=True):
        rows = (labels == label).nonzero().flatten()  # class by class: another way would make other splits of a seed
        chosen[rows[torch.randperm(len(rows), generator=generator)[:quota]]] = True
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def _quotas(sizes: Tensor, most: Tensor, count: int) -> list[int]:
    exact = sizes.double() * count / sizes.sum()
    quotas = torch.minimum(exact.long().clamp(min=1), most)
    while (missing := count - int(quotas.sum())) != 0:
        step = 1 if missing > 0 else -1
        free = quotas < most if step > 0 else quotas > 1
        quotas[torch.where(free, step * (exact - quotas), -torch.inf).argmax()] += step
    return [int(quota) for quota in quotas]
