"""The precision in which images are encoded to be measured."""

from collections.abc import Iterator
from contextlib import contextmanager

from csl.pairwise import full_precision
from csl.pairwise.fp32 import exact_convolutions

_KEPT_IN = {"bf16-true": "bfloat16", "16-true": "float16"}


@contextmanager
def measuring() -> Iterator[None]:
    """Encode in full float32, whatever the training computes in: the same weights give the same numbers everywhere.

    Autocast and TF32, in products and in convolutions, are off. bfloat16 alone, which is chosen by the processor, moves
    the share of right neighbours in the second digit.

    Example:
        >>> import torch
        >>> with torch.autocast("cpu", torch.bfloat16), measuring():
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.float32
    """
    with exact_convolutions(), full_precision():
        yield


def precision_of_features(precision: object) -> str:
    """What features are encoded in under a trainer's precision: float32, unless the weights are kept in less.

    Example:
        >>> precision_of_features("bf16-mixed"), precision_of_features("bf16-true")
        ('float32', 'bfloat16')
    """
    return _KEPT_IN.get(str(precision), "float32")
