"""What a probe reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class ProbeResult:
    """How well a small classifier on frozen features does; the same on every process but for `predictions`.

    Accuracies are shares of samples in 0–1. Held-out samples of a class without a training sample count as wrong.

    Attributes:
        train_accuracy: Accuracy on training samples, in each probe's own sense; NaN where it was not asked for.
        val_accuracy: Accuracy on the held-out samples, whose labels no choice was made with.
        num_parameters: Number of trained parameters.
        balanced_accuracy: Mean of `class_accuracies`: every class counts alike, however many samples it has.
        class_accuracies: For each label among the held-out samples, the share of its samples that is predicted right.
        best_val_accuracy_over_steps: The best held-out accuracy over all steps of training. It is selected with the
            very labels it is measured on, as the paper does; not to be compared with `val_accuracy` of anything. None
            where there are no steps or it was not recorded.
        steps: Number of training steps taken, or None.
        seconds: Wall-clock time of the whole fit on the slowest process; variants of one fit share it.
        predictions: Label predicted for each of this process's held-out samples `[n]`, int64.
        parameters: The trained parameters by name; empty where there are none.
    """

    train_accuracy: float
    val_accuracy: float
    num_parameters: int
    balanced_accuracy: float
    class_accuracies: Mapping[int, float] = field(repr=False)
    best_val_accuracy_over_steps: float | None = None
    steps: int | None = None
    seconds: float | None = field(default=None, compare=False)
    predictions: Tensor | None = field(default=None, compare=False, repr=False)
    parameters: Mapping[str, Tensor] = field(default_factory=dict, compare=False, repr=False)
