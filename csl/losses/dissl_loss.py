"""DISSL: views are assigned to the same of many classes, surely and evenly, and a linear head can tell which."""

import torch
from torch import Tensor, nn

from csl.checks import check_range, check_temperature
from csl.distributed import Group, size, summed, world
from csl.losses.cross_view import cross_view_entropy


def dissl_loss(
    assignments: Tensor,
    predictions: Tensor,
    temperature: float = 1.0,
    assignment_temperature: float = 0.5,
    evenness: float = 2.3,
    certainty: float = 0.8,
    group: Group = None,
) -> Tensor:
    """Distillation of assignments to a linear head, their invariance and certainty, less their marginal entropy.

        loss = H(t_g, s_v) + β H(t_g, t_v) − λ H(mean_i t_gi),      t = softmax(a / T_a), s = softmax(p / T)

    H(t, s) is the mean cross-entropy of one view's assignments t for another view's distribution, over all pairs of
    different views; the marginal entropy is over the images of all processes, and its mean over views. The gradient
    flows through all of them, the targets too.

    From Improving Self-Supervised Learning by Characterizing Idealized Representations, 2022, arXiv 2209.06235.

    Args:
        assignments: a, `[V, B, K]`, of V views.
        predictions: p, of a linear head, `[V, B, K]`.
        temperature: T.
        assignment_temperature: T_a.
        evenness: λ.
        certainty: β.
        group: The processes, with as many images each.

    Example:
        >>> sure = 100 * torch.eye(2).expand(2, 2, 2)
        >>> round(float(dissl_loss(sure, sure, evenness=1.0)), 4)  # −log 2
        -0.6931
    """
    logits = assignments / assignment_temperature
    shares = logits.softmax(dim=2)
    marginals = summed(shares.sum(dim=1), group) / (shares.shape[1] * size(group))
    # A class that nobody has would have an infinite gradient.
    entropy = -(marginals * marginals.clamp(min=torch.finfo(marginals.dtype).tiny).log()).sum(dim=1).mean()
    invariance = cross_view_entropy(shares, logits)
    return cross_view_entropy(shares, predictions / temperature) + certainty * invariance - evenness * entropy


class DISSLLoss(nn.Module):
    """DISSL's loss as a module, over the images of all processes; see `dissl_loss`.

    Args:
        temperature: T.
        assignment_temperature: T_a.
        evenness: λ of the marginal entropy.
        certainty: β of invariance and certainty.

    Raises:
        ValueError: If a temperature is not positive, or a weight is negative.

    Example:
        >>> DISSLLoss(evenness=2.0).evenness
        2.0
    """

    def __init__(
        self,
        temperature: float = 1.0,
        assignment_temperature: float = 0.5,
        evenness: float = 2.3,
        certainty: float = 0.8,
    ) -> None:
        super().__init__()
        check_temperature(temperature=temperature, assignment_temperature=assignment_temperature)
        check_range("evenness", evenness)
        check_range("certainty", certainty)
        self.temperature, self.assignment_temperature = temperature, assignment_temperature
        self.evenness, self.certainty = evenness, certainty

    def forward(self, assignments: Tensor, predictions: Tensor) -> Tensor:
        """The loss of assignments `[V, B, K]` and of a linear head's predictions `[V, B, K]`."""
        return dissl_loss(
            assignments,
            predictions,
            self.temperature,
            self.assignment_temperature,
            self.evenness,
            self.certainty,
            world(),
        )
