"""Train small classifiers on frozen features and log what they reach."""

import math
from collections.abc import Mapping, Sequence

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn

from csl.callbacks.features import FeatureCallback
from csl.callbacks.scalars import chosen, held_out_name, log_scalars, tolerated
from csl.distributed import world
from csl.probes import GCNProbe, KNNProbe, LinearProbe, Probe
from csl.types import Split


class ProbeMonitor(FeatureCallback):
    """Fits probes on the reference set and logs `val/<probe>_accuracy`, the accuracy on the held-out set.

    `train/<probe>_accuracy` and the classifier's size, `val/<probe>_parameters`, stand beside it. No probe sees the
    held-out labels before it is scored.

    Args:
        probes: Objects of `csl.probes`; the default is kNN, linear and GCN.
        outputs: Which outputs of the method are measured; scalars of others than "encoder" are called
            `val/<output>/<name>`.
        progress_bar: Scalars that the progress bar shows.
        every_n: Measure at every n-th validation pass (passes).

    Example:
        >>> ProbeMonitor([LinearProbe()], every_n=5).every_n
        5
    """

    def __init__(
        self,
        probes: Sequence[Probe] | None = None,
        outputs: Sequence[str] = ("encoder",),
        progress_bar: Sequence[str] = ("val/knn_accuracy", "val/linear_accuracy", "val/gcn_accuracy"),
        every_n: int = 1,
    ) -> None:
        super().__init__(every_n)
        self.probes = list(probes) if probes is not None else [KNNProbe(), LinearProbe(), GCNProbe()]
        self.outputs, self.progress_bar = tuple(outputs), tuple(progress_bar)

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Fit every probe on every chosen output."""
        held_out = held_out_name(trainer)
        for prefix, split in chosen(features, self.outputs):
            for probe in self.probes:
                scalars = probe_scalars(probe, split, f"train/{prefix}", f"{held_out}/{prefix}")
                name = f"train/{prefix}{probe.name}_accuracy"
                if name in trainer.callback_metrics:  # or a failed fit would leave the one before in the table
                    scalars = {name: math.nan, **scalars}
                log_scalars(module, scalars, self.progress_bar)


def probe_scalars(probe: Probe, split: Split, train: str, val: str) -> dict[str, float]:
    """Fit one probe and name what it reached; NaN where the features do not allow a fit."""
    try:
        result = probe.fit(split.train, split.val, group=world())
    except tolerated() as error:
        rank_zero_warn(f"{type(probe).__name__} could not be fitted and is logged as NaN: {error}")
        return {f"{val}{probe.name}_accuracy": float("nan")}
    scalars = {
        f"{val}{probe.name}_accuracy": result.val_accuracy,
        f"{val}{probe.name}_parameters": float(result.num_parameters),
    }
    # A probe such as kNN has no training accuracy unless it is asked for one; that is no measurement, not a NaN.
    return (
        scalars
        if math.isnan(result.train_accuracy)
        else {f"{train}{probe.name}_accuracy": result.train_accuracy, **scalars}
    )
