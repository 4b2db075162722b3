"""NPID: every image is a class of its own, which a memory of all images stands for."""

from typing import ClassVar

from torch import nn

from csl.checks import check_positive, check_range
from csl.encoders import Network
from csl.losses import NPIDLoss, in_full_precision, loss_or, npid_proximity
from csl.methods.image_memory import ImageMemory
from csl.methods.optimization import Optimization
from csl.methods.per_image import PerImageMethod
from csl.methods.run import rows_of_processes
from csl.methods.step import Keep, Step
from csl.types import Batch, View

RECIPE = Optimization("sgd", lr=0.03, weight_decay=5e-4)


class NPID(PerImageMethod):
    """Non-parametric instance discrimination.

    The loss (`csl.losses.npid_loss`) finds each image's entry in a memory bank, which holds a unit vector for every
    training image: after the optimizer step, that of each image of the batch moves towards the image's new features.

    The softmax is over all images, or over entries that are drawn (`csl.methods.image_memory.ImageMemory`). The
    paper's proximal term (`csl.losses.npid_proximity`), times `proximal`, makes the latter quieter.

    From Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, arXiv 1805.01978.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        momentum: How much of its old vector an entry of the bank keeps.
        negatives: Entries that are drawn for a step (the paper: 4,096); 0 for all, the exact softmax.
        proximal: λ, the weight of the proximal term; none with 0.
        output_dim: Length of the vectors in the bank.
        num_images: Number of training images; that of the data if not given.
        loss: Called with features `[B, D]`, bank `[N, D]` and index `[B]` in place of `NPIDLoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature or a size is not positive, the momentum is outside 0 to 1, the weight of the
            proximal term is negative, or the number of images is not known or too small.

    Example:
        >>> from csl.encoders import ConvNet
        >>> NPID(ConvNet(), num_images=1000).bank
        ImageMemory(size=1000, dim=128)
    """

    views: tuple[View, ...] = (View(),)
    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False
    per_image: ClassVar[str] = "bank.features"

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.07,
        momentum: float = 0.5,
        negatives: int = 0,
        proximal: float = 0.0,
        output_dim: int = 128,
        num_images: int | None = None,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(output_dim=output_dim)
        check_range("proximal", proximal)
        self.proximal = proximal
        self.projection_head = nn.Linear(self.encoder.feature_dim, output_dim)
        self.bank = ImageMemory(output_dim, temperature, momentum, negatives)
        own = NPIDLoss(temperature)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.07), negatives=(negatives, 0))
        self.expect_images(num_images)

    def make_for(self, num_images: int) -> None:
        """An entry for each image."""
        self.bank.resize(num_images)

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images; keeps their numbers and their features."""
        features = self.projection_head(self.encoder(batch.views[0]))
        loss, normalizer = self.bank.find(features, batch.index, self.loss, self.global_step)
        if self.proximal:
            proximity = in_full_precision(lambda rows: npid_proximity(rows, self.bank.features, batch.index), features)
            loss = loss + self.proximal * proximity
        return Step(loss, keep=(batch.index, features, normalizer))

    def after_step(self, keep: Keep) -> None:
        """Move the entries of the step's images; remember the normaliser."""
        assert isinstance(keep, tuple)
        index, features, normalizer = keep
        self.bank.follow(index, features, normalizer, rows_of_processes(self.trainer, len(index)))
