"""NPID: every image is a class of its own, which a memory of all images stands for."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_range, check_share, check_temperature
from csl.distributed import world
from csl.encoders import Network
from csl.losses import (
    NPIDLoss,
    in_full_precision,
    loss_or,
    npid_normalizer,
    npid_proximity,
    npid_sampled_loss,
)
from csl.methods.optimization import Optimization
from csl.methods.per_image import PerImageMethod
from csl.methods.run import rows_of_processes, run_seed
from csl.methods.step import Keep, Step
from csl.modules import FeatureBank
from csl.randomness import derive_seed
from csl.types import Batch, View

RECIPE = Optimization("sgd", lr=0.03, weight_decay=5e-4)


class NPID(PerImageMethod):
    """Non-parametric instance discrimination.

    The loss (`csl.losses.npid_loss`) finds each image's entry in a memory bank, which holds a unit vector for every
    training image: after the optimizer step, that of each image of the batch moves towards the image's new features.

    The softmax is over all images, which is exact and costs B × N × D operations a step. For sets of millions of images
    `negatives` entries are drawn instead, anew for every step and the same for all images of the batch; the loss is
    then `csl.losses.npid_sampled_loss`, with the normaliser that the first batch gives. The paper's proximal term
    (`csl.losses.npid_proximity`), times `proximal`, makes that quieter.

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
        FeatureBank(size=1000, dim=128)
    """

    views: tuple[View, ...] = (View(),)
    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False
    per_image: ClassVar[str] = "bank.features"
    normalizer: Tensor

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
        check_share(momentum=momentum)
        check_positive(output_dim=output_dim)
        check_range("negatives", negatives)
        check_range("proximal", proximal)
        check_temperature(temperature=temperature)
        self.temperature, self.momentum = temperature, momentum
        self.negatives, self.proximal = negatives, proximal
        self.projection_head = nn.Linear(self.encoder.feature_dim, output_dim)
        self.bank = FeatureBank(0, output_dim)
        self.register_buffer("normalizer", torch.zeros(()))
        own = NPIDLoss(temperature)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.07), negatives=(negatives, 0))
        self.expect_images(num_images)

    def make_for(self, num_images: int) -> None:
        """An entry for each image."""
        self.bank.resize(num_images)

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images; keeps their numbers and their features."""
        features = self.projection_head(self.encoder(batch.views[0]))
        if not self.negatives:
            loss = in_full_precision(lambda rows: self.loss(rows, self.bank.features, batch.index), features)
            return Step(self._with_proximity(loss, features, batch.index), keep=(batch.index, features))
        drawn = self._drawn(features)
        normalizer = in_full_precision(lambda rows: self._normalizer(rows, drawn), features)
        loss = in_full_precision(
            lambda rows: npid_sampled_loss(rows, self.bank.features, batch.index, drawn, normalizer, self.temperature),
            features,
        )
        keep = (batch.index, features, normalizer[None])
        return Step(self._with_proximity(loss, features, batch.index), keep=keep)

    def after_step(self, keep: Keep) -> None:
        """Move the entries of the step's images; remember the normaliser."""
        assert isinstance(keep, tuple)
        index, features, *normalizer = keep
        counts = rows_of_processes(self.trainer, len(index))
        self.bank.update(index, features, self.momentum, group=world(), counts=counts)
        for value in normalizer:
            self.normalizer.copy_(value[0])

    def _with_proximity(self, loss: Tensor, features: Tensor, index: Tensor) -> Tensor:
        if not self.proximal:
            return loss
        proximity = in_full_precision(lambda rows: npid_proximity(rows, self.bank.features, index), features)
        return loss + self.proximal * proximity

    def _drawn(self, like: Tensor) -> Tensor:
        """Numbers of images, drawn with replacement for this step, the same on every process."""
        generator = torch.Generator().manual_seed(derive_seed("negatives", run_seed(), self.global_step))
        drawn = torch.randint(len(self.bank.features), (self.negatives,), generator=generator)
        return drawn.to(like.device, non_blocking=True)

    def _normalizer(self, features: Tensor, drawn: Tensor) -> Tensor:
        """That of the first batch, which is estimated once."""
        if self.global_step:
            return self.normalizer
        fresh = npid_normalizer(features, self.bank.features, drawn, self.temperature, world())
        return torch.where(self.normalizer > 0, self.normalizer.to(fresh.dtype), fresh)
