from functools import cache

import torch
from torch import Tensor

from csl.types import Features


def features(values: Tensor, labels: Tensor, first: int = 0) -> Features:
    return Features(values, labels, torch.arange(first, first + len(values)))


def clumps(num_train: int = 120, num_val: int = 60, seed: int = 0) -> tuple[Features, Features]:
    """Three classes labelled 2, 5 and 11, each of four small clumps in the plane: clear locally, hard for a line."""
    generator = torch.Generator().manual_seed(seed)
    clump = torch.randint(12, (num_train + num_val,), generator=generator)
    centres = 4 * torch.randn(12, 2, generator=torch.Generator().manual_seed(7))
    values = centres[clump] + 0.3 * torch.randn(len(clump), 2, generator=generator)
    labels = torch.tensor([2, 5, 11])[clump % 3]
    return features(values[:num_train], labels[:num_train]), features(values[num_train:], labels[num_train:])


@cache
def digits(split: int = 0) -> tuple[Features, Features]:
    """1,400 and 397 of scikit-learn's digits, raw pixels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    values, labels = torch.tensor(data.data, dtype=torch.float32), torch.tensor(data.target)
    order = torch.randperm(len(values), generator=torch.Generator().manual_seed(split))
    train, val = order[:1400], order[1400:]
    return Features(values[train], labels[train], train), Features(values[val], labels[val], val)


def rows(samples: Features, part: slice | Tensor) -> Features:
    return Features(samples.values[part], samples.labels[part], samples.index[part])
