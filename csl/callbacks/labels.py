"""Whether there are labels to measure with."""

from lightning.pytorch.utilities import rank_zero_info

from csl.distributed import all_reduce, world
from csl.types import Features


def has_labels(rows: Features) -> bool:
    """Whether a set of all processes has labels.

    Example:
        >>> import torch
        >>> rows = Features(torch.ones(2, 3), torch.tensor([-1, -1]), torch.arange(2))
        >>> has_labels(rows)
        False
    """
    largest = rows.labels.amax() if len(rows.labels) else rows.labels.new_full((), -1)
    return int(all_reduce(largest, world(), "max")) >= 0


class Untold:
    """Says a sentence once, however often it is true.

    Example:
        >>> untold = Untold()
        >>> untold.tell("no image has a label: no probe is fitted")
        >>> untold.tell("no image has a label: no probe is fitted")  # says nothing
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, sentence: str) -> None:
        """Write the sentence to the log, unless it is there."""
        if sentence not in self._told:
            self._told.add(sentence)
            rank_zero_info(sentence)
