"""Alignment: how near to each other the samples of a group lie."""

from torch import Tensor

from csl.distributed import Group
from csl.metrics.measure import Family, Measure, rows
from csl.metrics.moments import Moments
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined


def alignment(features: Tensor, labels: Tensor, *, group: Group = None) -> Tensor:
    """Alignment: the mean squared distance over positive pairs of L2-normalised features.

    `mean ‖x_i − x_j‖²` over the pairs with the same label. In the paper positive pairs are views of one image: give the
    image's number as the label, for any number of views. With classes as labels it is the alignment of classes. Between
    0 and 4, *low* where positives lie together; meaningful beside `uniformity`, since a collapsed encoder has 0. See
    Wang, Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere"
    (2020, arXiv 2005.10242), with its exponent 2, for which the sums of each group are enough.

    Args:
        features: This process's rows `[n, D]`, any floating dtype; rows of zeros stay zero.
        labels: Which rows belong together `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, if no two rows have the same label.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> import torch
        >>> first, second = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> alignment(torch.cat([first, second]), torch.tensor([0, 1, 0, 1]))  # squared distances 0 and 2
        tensor(1., dtype=torch.float64)
    """
    return ALIGNMENT.of(Samples(features, labels, group=group))


def mean_positive_distance(moments: Moments) -> Tensor:
    """The mean squared distance within groups of directions with these moments."""
    pairs = (moments.counts * (moments.counts - 1)).sum()
    if not bool(pairs):
        return undefined("alignment", "no two samples have the same label", moments.means)
    return 2 * (moments.counts * moments.scatter.sum(dim=1)).sum() / pairs


ALIGNMENT = Measure(
    name="alignment",
    function=alignment,
    score=mean_positive_distance,
    source=lambda samples: samples.direction_moments,
    family=Family.GLOBAL,
    meaning="0 to 4; low: directions of a class lie together",
    paper="Wang and Isola, 2020, arXiv 2005.10242",
    cost=rows,
    by_blocks=True,
    range=(0, 4),
    higher_is_better=False,
    needs="labels",
)
