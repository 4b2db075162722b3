"""CMC: what an image's lightness and its colours have in common."""

from typing import ClassVar

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import LabResNet, Network
from csl.losses import CMCLoss, NPIDLoss, in_full_precision, loss_or
from csl.methods.image_memory import ImageMemory
from csl.methods.optimization import Optimization
from csl.methods.per_image import PerImageMethod
from csl.methods.run import rows_of_processes
from csl.methods.step import Keep, Step
from csl.methods.usual import Usual
from csl.types import Batch, View

RECIPE = Optimization("sgd", lr=0.03, weight_decay=1e-4)


class CMC(PerImageMethod):
    """Contrastive multiview coding of lightness and colour.

    The two networks of a `LabResNet` see the same crop, one its lightness and one its colours, and each has a linear
    head of its own. The loss (`csl.losses.cmc_loss`) finds an image's colours by its lightness and the other way round,
    among those of all images of the batch. Measured are the features of both networks, joined.

    With `negatives`, the paper's own form, an image's colours are found in a memory of all training images instead, and
    its lightness in another one (`csl.methods.image_memory.ImageMemory`): batches may then be small.

    Images must keep their colours: grey images all have the same ones, so that one colour vector would have to match
    all of them. `csl fit` crops and mirrors images as in the paper, and leaves their colours alone.

    From Contrastive Multiview Coding, 2020, arXiv 1906.05849.

    Args:
        encoder: The networks to be trained and studied, a `LabResNet`, which `csl fit` takes if none is named.
        temperature: T of the loss.
        negatives: Entries of the memories that are drawn for a step (the paper: 16,384), 0 for all of them; without
            memories, among the images of the batch, if not given.
        momentum: How much of its old vector an entry of a memory keeps.
        output_dim: Length of what the heads give.
        num_images: Number of training images, which memories need; that of the data if not given.
        loss: Called with both heads' outputs `[B, D]` in place of `CMCLoss(temperature)`; without memories only.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the encoder is another one, or one for grey images, the temperature or a size is not positive,
            the momentum is outside 0 to 1, or the number of images is not known to memories or too small.

    Example:
        >>> CMC(LabResNet(depth=10, width=4), temperature=0.1).loss.temperature
        0.1
    """

    views: tuple[View, ...] = (View(),)
    accumulates: ClassVar[bool] = False
    per_image: ClassVar[str] = "lightness_memory.features"
    has_held_out_loss: bool = True
    usual: ClassVar[Usual] = Usual(
        encoder="LabResNet", augmentation={"gray_probability": 0.0, "jitter_probability": 0.0}
    )

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.07,
        negatives: int | None = None,
        momentum: float = 0.5,
        output_dim: int = 128,
        num_images: int | None = None,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(output_dim=output_dim)
        if not isinstance(self.encoder, LabResNet):
            raise ValueError(f"encoder: expected a LabResNet for CMC, got {type(self.encoder).__name__}")
        if self.encoder.in_channels != 3:
            raise ValueError("encoder: expected one for colour images for CMC (in_channels=3), got one for grey images")
        self.lightness_head, self.color_head = (nn.Linear(length, output_dim) for length in self.encoder.parts)
        own = CMCLoss(temperature) if negatives is None else NPIDLoss(temperature)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.07), negatives=(negatives, None))
        self.has_held_out_loss = negatives is None
        self.lightness_memory, self.color_memory = (
            None if negatives is None else ImageMemory(output_dim, temperature, momentum, negatives, name=sense)
            for sense in ("lightness", "color")
        )
        self.expect_images(num_images)

    @property
    def keeps_images(self) -> bool:
        """Whether there are memories."""
        return self.lightness_memory is not None

    def make_for(self, num_images: int) -> None:
        """An entry for each image in each memory."""
        for memory in (self.lightness_memory, self.color_memory):
            if memory is not None:
                memory.resize(num_images)

    def training_loss(self, batch: Batch) -> Tensor | Step:
        """The loss above, for this process's images; with memories, keeps their numbers and what both heads give."""
        features, of_lightness = self.encoder(batch.views[0]), self.lightness_head.in_features
        lightness = self.lightness_head(features[:, :of_lightness])
        color = self.color_head(features[:, of_lightness:])
        if self.lightness_memory is None or self.color_memory is None:
            return in_full_precision(self.loss, lightness, color)
        to_color, color_normalizer = self.color_memory.find(lightness, batch.index, self.loss, self.global_step)
        to_lightness, normalizer = self.lightness_memory.find(color, batch.index, self.loss, self.global_step)
        return Step(to_color + to_lightness, (batch.index, lightness, normalizer, color, color_normalizer))

    def after_step(self, keep: Keep) -> None:
        """Move the entries of the step's images in both memories, where there are any."""
        if self.lightness_memory is None or self.color_memory is None:
            return
        assert isinstance(keep, tuple)
        index, lightness, normalizer, color, color_normalizer = keep
        counts = rows_of_processes(self.trainer, len(index))
        self.lightness_memory.follow(index, lightness, normalizer, counts)
        self.color_memory.follow(index, color, color_normalizer, counts)
