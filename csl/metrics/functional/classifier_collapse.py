"""Neural collapse of a linear classifier: has it become the class means, and does it decide by the nearest of them?"""

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import in_float64


def classifier_collapse(
    features: Tensor, labels: Tensor, weight: Tensor, bias: Tensor | None = None, *, group: Group = None
) -> Tensor:
    """How far a linear classifier has come to agree with the class means of its features, by two numbers.

    With the class means m_c, the mean m of all samples, `M` the rows `m_c − m` and `W` the classifier's rows:

    - NC3, self-duality: `‖W / ‖W‖ − M / ‖M‖‖`, Frobenius norms, between 0 and 2; 0 where the classifier's weights are
      the class means but for one factor.
    - NC4: the share of samples for which the classifier decides for the class whose mean is nearest; 1 where it always
      does.

    `neural_collapse` has what can be seen without a classifier. See Papyan, Han, Donoho, "Prevalence of neural collapse
    during the terminal phase of deep learning training" (2020, arXiv 2008.08186), where NC4 counts the samples for
    which the two differ.

    Args:
        features: This process's rows `[n, D]`, any floating dtype, as the classifier gets them.
        labels: Their classes `[n]`, integers from 0 to C − 1; classes that have no sample are left out of W and M.
        weight: W, `[C, D]`.
        bias: The classifier's bias `[C]`; none if not given.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 `[2]`: NC3, NC4; NaN, with a warning, if all class means are the same or W is zero.

    Raises:
        ValueError: If features are no finite matrix, weight or bias do not fit, or a label is outside 0 to C − 1.

    Example:
        >>> x = torch.tensor([[0.0, 2.0], [0.0, 2.0], [4.0, 0.0], [4.0, 0.0]])
        >>> weight = torch.tensor([[-2.0, 1.0], [2.0, -1.0]])
        >>> classifier_collapse(x, torch.tensor([0, 0, 1, 1]), weight, torch.tensor([3.0, -3.0])).abs()
        tensor([0., 1.], dtype=torch.float64)
    """
    samples = Samples(features, labels, group=group)
    if weight.ndim != 2 or weight.shape[1] != features.shape[1]:
        raise ValueError(f"weight: expected shape [C, {features.shape[1]}], got {list(weight.shape)}")
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"bias: expected shape [{len(weight)}], got {list(bias.shape)}")
    classes = samples.classes.labels
    if len(classes) and not 0 <= int(classes.amin()) <= int(classes.amax()) < len(weight):
        span = f"{int(classes.amin())} to {int(classes.amax())}"
        raise ValueError(f"labels: expected 0 to {len(weight) - 1}, as the classifier has, got {span}")
    weight, bias = (values.detach().to(features.device, torch.float64) for values in (weight, bias))
    moments = samples.class_moments
    centers, known = moments.means - moments.overall.means, weight[classes]
    if not bool(centers.norm() > 0) or not bool(known.norm() > 0):
        return undefined("the classifier's collapse", "class means or weights are all zero", features, 2)
    duality = (known / known.norm() - centers / centers.norm()).norm()
    return torch.stack([duality, _agreement(samples, weight, bias)])


def _agreement(samples: Samples, weight: Tensor, bias: Tensor) -> Tensor:
    """The share of samples that the classifier puts into the class whose mean is nearest."""
    means, classes = samples.class_moments.means, samples.classes.labels
    same = torch.zeros((), dtype=torch.float64, device=weight.device)
    for _, rows in in_float64(samples.features):
        # Not by products, which one sample far away would leave no digits of.
        distances = torch.cdist(rows, means, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = classes[distances.argmin(dim=1)]
        same += (torch.addmm(bias, rows, weight.T).argmax(dim=1) == nearest).sum()
    return all_reduce(same, samples.group) / samples.shard.total
