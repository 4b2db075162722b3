"""All probes at once, on features from anywhere."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from csl.probes.gcn import GCNProbe
from csl.probes.knn import KNNProbe
from csl.probes.label_propagation import LabelPropagationProbe
from csl.probes.linear import LinearProbe
from csl.probes.probe import Probe
from csl.probes.result import ProbeResult
from csl.types import Features


def default_probes() -> list[Probe]:
    """Linear, kNN, GCN and label propagation, as they are by default."""
    return [LinearProbe(), KNNProbe(), GCNProbe(), LabelPropagationProbe()]


def fit_probes(
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    probes: Sequence[Probe] | None = None,
    watch: Callable[[str, float], None] | None = None,
) -> dict[str, ProbeResult]:
    """What each probe reaches on one set of features when it is fitted on another.

    Args:
        train: Features `[N, D]` and their classes `[N]`.
        test: Features `[M, D]` and their classes `[M]`, which only measure.
        probes: The probes; linear, kNN, GCN and label propagation if not given.
        watch: Called with a probe's name and the share of all probes that are done, from 0 to 1.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or there are fewer than two classes.

    Example:
        >>> x, y = torch.eye(4).repeat(5, 1), torch.arange(4).repeat(5)
        >>> fit_probes((x, y), (x, y), [KNNProbe(neighbors=3)])["knn"].val_accuracy
        1.0
    """
    sets = [
        Features(values, labels, torch.arange(len(labels), device=labels.device)) for values, labels in (train, test)
    ]
    chosen, found = default_probes() if probes is None else list(probes), dict[str, ProbeResult]()
    for position, probe in enumerate(chosen):
        if watch is not None:
            watch(probe.name, position / len(chosen))
        found |= probe.fit_variants(*sets)
    return found
