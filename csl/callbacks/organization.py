"""Log any list of feature metrics for both evaluation sets."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import torch
import torchmetrics
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from csl.callbacks.failures import reason_of
from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.labels import Untold, has_labels
from csl.callbacks.scalars import log_scalars, named_sets, tolerated
from csl.distributed import world
from csl.metrics import named_scalars, undefined_scalars
from csl.metrics.classes import metric_classes
from csl.metrics.declared_metric import DeclaredMetric
from csl.metrics.measure import Turn
from csl.metrics.measures import DEFAULT, MEASURES
from csl.metrics.samples import Samples
from csl.types import Features, Split

Panel: TypeAlias = Literal["quick", "slow", "panel"]


class OrganizationMetrics(FeatureCallback):
    """Measures how features are organized and logs `train/<name>` and `val/<name>`.

    A value that is undefined (a collapsed encoder, NaN features) is logged as NaN with a warning and never ends the
    run. Where no image has a label, what needs labels is not measured, which is said once.

    Args:
        metrics: Objects of `csl.metrics`, or any `torchmetrics.Metric` with `update(features [N, D], labels [N])`,
            which is logged under its class name in snake case. Or one of three words: "quick", what is cheap enough
            for every epoch (RLD at T = 1.0, 0.2 and 0.1, Calinski–Harabasz, the deviation of the normalised
            features); "slow", all else that `csl analyze` measures; "panel", both.
        normalize: Whether to measure features with length 1, as the paper does; false for those that the encoder gives.
        outputs: Which outputs of the method are measured, such as "projection_head", or "momentum_encoder" of methods
            that have one (which takes a pass of its own); scalars of others than "encoder" are called
            `val/<output>/<name>`.
        progress_bar: Scalars that the progress bar shows.
        every_n: Measure at every n-th validation pass (passes).
        log_seconds: Whether to log what each metric took, as `val/<name of its first scalar>_seconds`.

    Raises:
        ValueError: If two metrics have a name in common.

    Example:
        >>> from csl.metrics import RelativeLocalDensity
        >>> OrganizationMetrics([RelativeLocalDensity([0.1])], every_n=2).every_n
        2
    """

    def __init__(
        self,
        metrics: Sequence[torchmetrics.Metric] | Panel = "quick",
        normalize: bool = True,
        outputs: Sequence[str] = ("encoder",),
        progress_bar: Sequence[str] = ("val/rld_0.1",),
        every_n: int = 1,
        log_seconds: bool = False,
    ) -> None:
        super().__init__(every_n)
        self.metrics = panel(metrics) if isinstance(metrics, str) else list(metrics)
        self.outputs, self.progress_bar, self.log_seconds = tuple(outputs), tuple(progress_bar), log_seconds
        self.normalize, self._untold = normalize, Untold()
        names = Counter(name for metric in self.metrics for name in undefined_scalars(metric))
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"metrics: expected one of each name, got several called {', '.join(twice)}")

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Compute every metric on every set of the chosen outputs."""
        for prefix, rows in named_sets(trainer, features, self.outputs):
            untold = None if has_labels(rows) else self._untold
            scalars = measure_all(self.metrics, rows, normalize=self.normalize, seconds=self.log_seconds, untold=untold)
            log_scalars(module, {f"{prefix}{name}": value for name, value in scalars.items()}, self.progress_bar)


def panel(which: Panel = "panel") -> list[torchmetrics.Metric]:
    """The metrics of the default panel, or those of them that are quick or slow, as their measures declare.

    Example:
        >>> [type(metric).__name__ for metric in panel("quick")]
        ['CalinskiHarabaszScore', 'RelativeLocalDensity', 'FeatureStd']
    """
    classes = metric_classes()
    wanted = {"quick": (True,), "slow": (False,), "panel": (True, False)}[which]
    return [classes[MEASURES[name].function]() for name in DEFAULT if MEASURES[name].every_pass in wanted]


def finish(device: torch.device) -> None:
    """Wait for what a GPU still has to do, so that a clock that is read now tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_all(
    metrics: Sequence[torchmetrics.Metric],
    rows: Features,
    *,
    normalize: bool = False,
    seconds: bool = False,
    untold: Untold | None = None,
) -> dict[str, Tensor | float]:
    """Every metric on one set, whose record they share: their scalars in the order of the metrics.

    Metrics that go over the same pairs come together: the distances, which they share, are forgotten then.

    Args:
        metrics: What to measure.
        rows: This process's rows of the set.
        normalize: Whether to measure the rows with length 1.
        seconds: Whether to say what each metric took; what several share is counted where it is first needed.
        untold: Where no row has a label: who says, once, that a metric that needs labels is left out.
    """
    wanted = [one.measure.neighbors(**one.options) for one in metrics if isinstance(one, DeclaredMetric)]
    samples = Samples(rows.values, rows.labels, group=world(), normalize=normalize, neighbors=wanted, shared=True)
    found: dict[int, dict[str, Tensor | float]] = {}
    for place, metric in sorted(enumerate(metrics), key=lambda entry: _turn(entry[1])):
        if _turn(metric) == Turn.REST:
            samples.release()
        start = time.perf_counter()
        scalars: dict[str, Tensor | float] = dict(measure(metric, samples, rows.labels, untold))
        if seconds and scalars:
            finish(rows.values.device)
            scalars[f"{next(iter(scalars))}_seconds"] = time.perf_counter() - start
        found[place] = scalars
    return {name: value for place in sorted(found) for name, value in found[place].items()}


def measure(
    metric: torchmetrics.Metric, samples: Samples, labels: Tensor, untold: Untold | None = None
) -> dict[str, Tensor]:
    """One metric on one set: its named scalars, NaN where the features do not allow an answer, none without labels."""
    try:
        return compute(metric, samples, labels)
    except tolerated() as error:
        if untold is None:
            rank_zero_warn(f"{type(metric).__name__} is undefined here and logged as NaN: {reason_of(error)}")
            return undefined_scalars(metric)
        # What has another reason would have failed with labels, too.
        name, reason = type(metric).__name__, "" if "labels" in str(error) else f" ({reason_of(error)})"
        untold.tell(f"no image has a label: {name} is not measured{reason}")
        return {}


def compute(metric: torchmetrics.Metric, samples: Samples, labels: Tensor) -> dict[str, Tensor]:
    """One metric on one set: its named scalars; the metric keeps nothing."""
    try:
        if isinstance(metric, DeclaredMetric) and metric.sync_on_compute and metric.process_group is None:
            return metric.scalars(metric.of(samples))
        metric.reset()
        metric.to(samples.features.device)
        metric.update(samples.features, labels)
        return named_scalars(metric, metric.compute())
    finally:
        metric.reset()


def _turn(metric: torchmetrics.Metric) -> Turn:
    return metric.measure.turn if isinstance(metric, DeclaredMetric) else Turn.REST
