"""Say so when an encoder maps every image to the same place."""

import math
from collections.abc import Mapping

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.moment import epochs_of
from csl.callbacks.scalars import tolerated
from csl.distributed import world
from csl.metrics.functional import feature_std
from csl.types import Split

# Healthy encoders have about 1, untrained ones above 0.2.
COLLAPSED = 0.02


class CollapseAlarm(FeatureCallback):
    """Flags an encoder whose normalised features hardly deviate from each other, in the log and under the table.

    A collapsed encoder is a result, not an error: training goes on.

    Args:
        threshold: The deviation (`csl.metrics.functional.feature_std`) below which an encoder counts as collapsed.
        every_n: Look at every n-th validation pass (passes).

    Attributes:
        finding: What was found at the last pass; empty while all is well.

    Raises:
        ValueError: If the threshold is not between 0 and 1.

    Example:
        >>> CollapseAlarm(threshold=0.1).finding
        ''
    """

    def __init__(self, threshold: float = COLLAPSED, every_n: int = 1) -> None:
        super().__init__(every_n)
        if not 0 < threshold < 1:
            raise ValueError(f"threshold: expected a number between 0 and 1, got {threshold}")
        self.threshold = threshold
        self.finding = ""

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Look at the held-out set; speak where the answer is another one than before."""
        values = features["encoder"].val.values
        try:
            deviation = float(feature_std(values, group=world()))
        except tolerated():  # NaN features: others say so
            deviation = math.nan
        was_collapsed, self.finding = bool(self.finding), ""
        if deviation < self.threshold:
            self.finding = (
                f"collapsed: the encoder's features all point the same way (deviation {deviation:.2g}, below "
                f"{self.threshold:g}); measures of their organization mean little"
            )
        if self.finding and not was_collapsed:
            rank_zero_warn(f"epoch {epochs_of(trainer)}: {self.finding}")
        elif was_collapsed and not self.finding:
            rank_zero_info(f"epoch {epochs_of(trainer)}: the encoder is no longer collapsed")
