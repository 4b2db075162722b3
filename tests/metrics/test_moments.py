import torch

from csl.metrics.moments import class_moments, join, pool
from tests.pairwise.hard_data import ordinary


def test_pooling_parts_equals_the_whole_even_far_from_the_origin() -> None:
    features = ordinary().double() + 1e7
    labels = torch.randint(4, (400,), generator=torch.Generator().manual_seed(0))
    whole = class_moments(features, labels)
    parts = pool(join(*(class_moments(features[i::3], labels[i::3]) for i in range(3))))
    for ours, expected in zip(parts, whole, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-6)
    for c in range(4):
        rows = features[labels == c]
        torch.testing.assert_close(whole.scatter[c], (len(rows) - 1) * rows.var(dim=0), rtol=1e-8, atol=0)
