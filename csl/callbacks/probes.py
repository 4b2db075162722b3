"""Train small classifiers on frozen features and log what they reach."""

import math
from collections.abc import Mapping, Sequence

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn

from csl.callbacks.failures import reason_of
from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.labels import Untold, has_labels
from csl.callbacks.scalars import chosen, held_out_name, log_scalars, tolerated
from csl.distributed import world
from csl.metrics.directions import with_length_one
from csl.probes import GCNProbe, KNNProbe, LinearProbe, Probe, ProbeResult
from csl.types import Features, Split

# What `also` may name: the fields of a result that are one number.
NUMBERS = ("balanced_accuracy", "best_val_accuracy_over_steps", "steps", "seconds")


class ProbeMonitor(FeatureCallback):
    """Fits probes on the reference set and logs `val/<probe>_accuracy`, the accuracy on the held-out set.

    `train/<probe>_accuracy` and the classifier's size, `val/<probe>_parameters`, stand beside it. No probe sees the
    held-out labels before it is scored. `<probe>` is the probe's own name, such as `gcn`, or the key under which it is
    given; a probe with several temperatures is logged once for each, as `gcn_0.2` and `gcn_0.1`. Where images have no
    labels, no probe is fitted, which is said once.

    Args:
        probes: Objects of `csl.probes`, in a list, or by the names they shall have; the default is kNN, linear, GCN.
        normalize: Whether to fit them to features with length 1, as the paper does; false for those that the encoder
            gives.
        outputs: Which outputs of the method are measured; scalars of others than "encoder" are called
            `val/<output>/<name>`.
        progress_bar: Scalars that the progress bar shows.
        every_n: Measure at every n-th validation pass (passes).
        also: Further numbers of a probe's result to log as `val/<probe>_<number>`: balanced_accuracy,
            best_val_accuracy_over_steps, steps, seconds.

    Raises:
        ValueError: If two probes have one name, or `also` names something else.

    Example:
        >>> ProbeMonitor([LinearProbe()], every_n=5).every_n
        5
        >>> list(ProbeMonitor({"gcn": GCNProbe(), "gcn_full": GCNProbe(neighbors=None)}).probes)
        ['gcn', 'gcn_full']
    """

    def __init__(
        self,
        probes: Sequence[Probe] | Mapping[str, Probe] | None = None,
        normalize: bool = True,
        outputs: Sequence[str] = ("encoder",),
        progress_bar: Sequence[str] = ("val/knn_accuracy", "val/linear_accuracy", "val/gcn_accuracy"),
        every_n: int = 1,
        also: Sequence[str] = (),
    ) -> None:
        super().__init__(every_n)
        self.probes = _named(probes if probes is not None else [KNNProbe(), LinearProbe(), GCNProbe()])
        for number in also:
            if number not in NUMBERS:
                raise ValueError(f"also: expected some of {', '.join(NUMBERS)}, got {number!r}")
        self.outputs, self.progress_bar, self.also = tuple(outputs), tuple(progress_bar), tuple(also)
        self.normalize, self._untold = normalize, Untold()

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Fit every probe on every chosen output."""
        held_out = held_out_name(trainer)
        for prefix, given in chosen(features, self.outputs):
            if given.train is None:
                self._untold.tell(
                    f"there is no reference set to learn from: no probe is fitted ({', '.join(self.probes)}); give two "
                    "validation loaders, of the reference set and of the held-out set"
                )
                continue
            if not (has_labels(given.train) and has_labels(given.val)):
                self._untold.tell(f"no image has a label: no probe is fitted ({', '.join(self.probes)})")
                continue
            sets = given.train, given.val
            if self.normalize:
                sets = with_length_one(given.train), with_length_one(given.val)
            for name, probe in self.probes.items():
                scalars = probe_scalars(
                    probe, *sets, f"train/{prefix}", f"{held_out}/{prefix}", name=name, also=self.also
                )
                # Or a failed fit would leave the train accuracy of the one before in the table.
                trained = [f"train/{prefix}{known}_accuracy" for known in probe_names(probe, name).values()]
                stale = {key: math.nan for key in trained if key in trainer.callback_metrics}
                log_scalars(module, stale | scalars, self.progress_bar)


def probe_scalars(
    probe: Probe,
    reference: Features,
    held_out: Features,
    train: str,
    val: str,
    *,
    name: str = "",
    also: Sequence[str] = (),
) -> dict[str, float]:
    """Fit one probe and name what it reached; NaN where the features do not allow a fit."""
    names = probe_names(probe, name or probe.name)
    try:
        if len(names) == 1:
            results = {probe.name: probe.fit(reference, held_out, group=world())}
        else:
            results = probe.fit_variants(reference, held_out, group=world())
    except tolerated() as error:
        rank_zero_warn(f"{type(probe).__name__} could not be fitted and is logged as NaN: {reason_of(error)}")
        return {f"{val}{known}_accuracy": float("nan") for known in names.values()}
    scalars: dict[str, float] = {}
    for variant, result in results.items():
        scalars |= _scalars(result, train, val, names[variant], also)
    return scalars


def probe_names(probe: Probe, name: str) -> dict[str, str]:
    """What each variant of a probe is called in the log: as in `gcn_0.2`, where `name` stands for the probe's own."""
    return {variant: name + variant.removeprefix(probe.name) for variant in probe.variant_names}


def _scalars(result: ProbeResult, train: str, val: str, name: str, also: Sequence[str]) -> dict[str, float]:
    scalars = {
        f"{val}{name}_accuracy": result.val_accuracy,
        f"{val}{name}_parameters": float(result.num_parameters),
    }
    # A probe such as kNN has no training accuracy unless it is asked for one; that is no measurement, not a NaN.
    if not math.isnan(result.train_accuracy):
        scalars = {f"{train}{name}_accuracy": result.train_accuracy, **scalars}
    further = {number: getattr(result, number) for number in also}
    return scalars | {f"{val}{name}_{key}": float(number) for key, number in further.items() if number is not None}


def _named(probes: Sequence[Probe] | Mapping[str, Probe]) -> dict[str, Probe]:
    if isinstance(probes, Mapping):
        return dict(probes)
    named = {probe.name: probe for probe in probes}
    if len(named) < len(probes):
        raise ValueError(
            f"probes: expected one of each name, got {', '.join(probe.name for probe in probes)}; "
            "give a mapping of names to probes instead of a list"
        )
    return named
