"""Whether the linear classifier of a method has become the class means of its features."""

from collections.abc import Mapping

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import nn

from csl.callbacks.failures import reason_of
from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.labels import Untold, has_labels
from csl.callbacks.scalars import log_scalars, named_sets, tolerated
from csl.distributed import world
from csl.metrics.functional import classifier_collapse
from csl.types import Split

NAMES = "nc3_self_duality", "nc4_classifier"


class ClassifierAlignment(FeatureCallback):
    """Logs `train/nc3_self_duality` and `train/nc4_classifier`, and both for `val`: neural collapse of a classifier.

    NC3 is 0 where the rows of the method's linear classifier are the class means but for one factor; NC4 is the share
    of images that it puts into the class whose mean is nearest (`csl.metrics.functional.classifier_collapse`). Features
    are taken as the classifier gets them, not normalised. `NeuralCollapse` measures the other numbers.

    From Prevalence of neural collapse during the terminal phase of deep learning training, 2020, arXiv 2008.08186.

    Args:
        classifier: The name of the method's `torch.nn.Linear` on the encoder's features.
        every_n: Measure at every n-th validation pass (passes).

    Raises:
        ValueError: Before anything is trained, if the method has no such classifier.

    Example:
        >>> ClassifierAlignment(every_n=5).classifier
        'classifier'
    """

    def __init__(self, classifier: str = "classifier", every_n: int = 1) -> None:
        super().__init__(every_n)
        self.classifier, self._untold = classifier, Untold()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse a method without the classifier."""
        super().setup(trainer, pl_module, stage)
        found = getattr(pl_module, self.classifier, None)
        if not isinstance(found, nn.Linear):
            raise ValueError(
                "callbacks: ClassifierAlignment expected a method with a linear classifier called "
                f"{self.classifier!r}, such as Supervised, got {type(pl_module).__name__}"
            )

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Measure both sets; NaN, with a warning, where the features allow no answer."""
        linear: nn.Linear = getattr(module, self.classifier)
        for prefix, rows in named_sets(trainer, features, ["encoder"]):
            if not has_labels(rows):
                self._untold.tell("no image has a label: the classifier is not compared with class means")
                continue
            try:
                found = classifier_collapse(rows.values, rows.labels, linear.weight, linear.bias, group=world())
            except tolerated() as error:
                rank_zero_warn(f"ClassifierAlignment is undefined here and logged as NaN: {reason_of(error)}")
                found = rows.values.new_full((2,), float("nan"))
            log_scalars(module, {f"{prefix}{name}": one for name, one in zip(NAMES, found, strict=True)}, ())
