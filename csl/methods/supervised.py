"""Supervised training: cross-entropy on labels, the counterpart that contrastive encoders are compared with."""

from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor, nn
from torchmetrics import MeanMetric

from csl.checks import check_share
from csl.encoders import Network
from csl.losses import in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.measuring import measuring
from csl.methods.optimization import Optimization
from csl.methods.step import Step
from csl.types import Batch, Features, View

NO_LABELS = (
    "Supervised learns from labels, and the images have none; methods that need no labels are SimCLR, MoCo and BYOL, "
    "among others"
)
CLASSES_KEY = "csl_classes"
RECIPE = Optimization("sgd", lr=0.1, weight_decay=5e-4)


class Supervised(Method):
    """A linear classifier on the encoder, trained together by cross-entropy with label smoothing.

    Accuracies (0 to 1) of this classifier are logged as `train/accuracy`, on the augmented training batch, and
    `val/accuracy`, on the held-out set; not where a trained classifier is shown images of other classes.

    Label smoothing: Rethinking the Inception Architecture, 2015, arXiv 1512.00567.

    Args:
        encoder: The network to be trained and studied.
        num_classes: Number of classes C; labels are 0 to C − 1.
        label_smoothing: Share of the target that is spread evenly over all classes.
        loss: Called with logits `[B, C]` and labels `[B]` in place of cross-entropy.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a label is outside 0 to C − 1, the data has another number of classes, C is below 2, or the
            smoothing is outside 0 to 1.

    Example:
        >>> from csl.encoders import ConvNet
        >>> Supervised(ConvNet(), num_classes=10).classifier
        Linear(in_features=128, out_features=10, bias=True)
    """

    views: tuple[View, ...] = (View(),)

    def __init__(
        self,
        encoder: Network,
        num_classes: int,
        label_smoothing: float = 0.1,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        if num_classes < 2:
            hint = f": {NO_LABELS}" if num_classes == 0 else ""
            raise ValueError(f"num_classes: expected at least 2, got {num_classes}{hint}")
        check_share(label_smoothing=label_smoothing)
        self.num_classes = num_classes
        self.classifier = nn.Linear(self.encoder.feature_dim, num_classes)
        own = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
        self.loss = loss_or(loss, own, label_smoothing=(label_smoothing, 0.1))
        # Lightning's own mean over processes rounds the number of images of a process down where they differ.
        self.held_out_accuracy = MeanMetric()
        self.class_names: tuple[str, ...] = ()
        self._knows_labels = self._told = False

    def setup(self, stage: str) -> None:
        """Compare the data's classes with ours before anything is trained, where the data module tells them."""
        super().setup(stage)
        if stage != "fit":
            return
        data = getattr(self.trainer, "datamodule", None)
        found, labels = getattr(data, "num_classes", None), getattr(data, "train_labels", None)
        self.class_names = tuple(getattr(data, "class_names", ()))
        if found not in (None, self.num_classes):
            raise ValueError(f"num_classes: expected the data's {found}, got {self.num_classes}")
        self._knows_labels = labels is not None
        if labels is not None:
            if bool((labels < 0).all()):
                raise ValueError(f"labels: {NO_LABELS}")
            self._check_labels(labels, torch.arange(len(labels)))

    def training_loss(self, batch: Batch) -> Step:
        """The mean cross-entropy of this process's images, and the classifier's accuracy on them."""
        if not self._knows_labels and _may_be_read(batch.labels, self._trainer):
            self._check_labels(batch.labels, batch.index)
        logits = self.classifier(self.encoder(batch.views[0]))
        loss = in_full_precision(lambda values: self.loss(values, batch.labels), logits)
        return Step(loss, scalars={"accuracy": _accuracy(logits, batch.labels)})

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        """The batch's features; logs the classifier's accuracy on the held-out set, which is the last loader."""
        features = super().validation_step(batch, batch_idx, dataloader_idx)
        labels = features["encoder"].labels
        limits = self.trainer.num_test_batches if self.trainer.testing else self.trainer.num_val_batches
        if dataloader_idx == len(limits) - 1 and self._knows_classes():
            with measuring():
                logits = self.classifier(features["encoder"].values.to(self.classifier.weight.dtype))
            self.held_out_accuracy.update(_accuracy(logits, labels), len(labels))
            name = "test/accuracy" if self.trainer.testing else "val/accuracy"
            self.log(name, self.held_out_accuracy, on_epoch=True, add_dataloader_idx=False)
        return features

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down which classes the classifier knows."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[CLASSES_KEY] = list(self.class_names)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Learn which classes the classifier knows."""
        super().on_load_checkpoint(checkpoint)
        self.class_names = tuple(checkpoint.get(CLASSES_KEY, ()))

    def _knows_classes(self) -> bool:
        """Whether the images have the classes that the classifier was trained for, as far as they have names."""
        shown = tuple(getattr(getattr(self.trainer, "datamodule", None), "class_names", ()))
        same = not self.class_names or not shown or shown == self.class_names
        if not same and not self._told:
            self._told = True
            rank_zero_info("the images have other classes than those of the training: val/accuracy is not measured")
        return same

    def _check_labels(self, labels: Tensor, index: Tensor) -> None:
        wrong = (labels < 0) | (labels >= self.num_classes)
        if wrong.any():
            first = int(wrong.int().argmax())
            which = f"the image with index {int(index[first])}" if index[first] >= 0 else "an image"
            raise ValueError(f"labels: expected 0 to {self.num_classes - 1}, got {int(labels[first])} for {which}")


def _may_be_read(labels: Tensor, trainer: Trainer | None) -> bool:
    """Labels of any batch on the CPU; on a GPU those of an epoch's first, because reading them makes it wait."""
    return labels.device.type == "cpu" or trainer is None or trainer.fit_loop.epoch_loop.batch_idx <= 0


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == labels).to(torch.float32).mean()
