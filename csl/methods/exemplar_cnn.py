"""Exemplar-CNN: every image, or each of a random subset, is a class of its own for a linear classifier."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import ExemplarLoss, in_full_precision
from csl.methods.optimization import Optimization
from csl.methods.per_image import PerImageMethod
from csl.methods.run import run_seed
from csl.randomness import derive_generator, seeded
from csl.types import Batch, View

RECIPE = Optimization("sgd", lr=0.03, weight_decay=5e-4)


class ExemplarCNN(PerImageMethod):
    """Surrogate classes: a linear classifier on the encoder tells which image a view was made of.

    The loss is `csl.losses.exemplar_loss`. What makes a class are the data's augmentations, which must be strong. The
    classifier has D weights for every class, so that for many images a random subset of them, `num_exemplars`, is
    better: the paper finds 8,000 classes best. The other images are still loaded and encoded, so that an epoch takes as
    long. Which ones are chosen depends on the run's seed.

    From Discriminative Unsupervised Feature Learning with Convolutional Neural Networks, 2014, arXiv 1406.6909.

    Args:
        encoder: The network to be trained and studied.
        num_exemplars: How many images, drawn at random, are classes; all if not given.
        num_images: Number of training images; that of the data if not given.
        loss: Called with logits `[B, C]`, classes `[B]`, −1 where an image is none, and the share of images that are
            exemplars, in place of `ExemplarLoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a number is not positive, or the number of images is not known, too small, or below that of
            exemplars.

    Example:
        >>> from csl.encoders import ConvNet
        >>> ExemplarCNN(ConvNet(), num_exemplars=100, num_images=1000).classifier
        Linear(in_features=128, out_features=100, bias=True)
    """

    views: tuple[View, ...] = (View(),)
    per_image: ClassVar[str] = "classes"
    classes: Tensor

    def __init__(
        self,
        encoder: Network,
        num_exemplars: int | None = None,
        num_images: int | None = None,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(num_exemplars=1 if num_exemplars is None else num_exemplars)
        self.num_exemplars = num_exemplars
        self.register_buffer("classes", torch.zeros(0, dtype=torch.int64))
        self.classifier = nn.Linear(self.encoder.feature_dim, 1)  # until the number of images is known
        self.loss = loss or ExemplarLoss()
        self.expect_images(num_images)

    def make_for(self, num_images: int) -> None:
        """Choose the exemplars, and make a classifier for them; both are the same in every process."""
        if num_images == len(self.classes):
            return
        count = self.num_exemplars or num_images
        if count > num_images:
            raise ValueError(f"num_exemplars: expected at most the {num_images} training images, got {count}")
        stream = ("exemplars", run_seed(), num_images, count)
        chosen = torch.randperm(num_images, generator=derive_generator(*stream))[:count].sort().values
        self.classes = torch.full((num_images,), -1).index_copy(0, chosen, torch.arange(count)).to(self.classes.device)
        with seeded(*stream):
            self.classifier = nn.Linear(self.encoder.feature_dim, count).to(self.classifier.weight)

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, of this process's images."""
        logits = self.classifier(self.encoder(batch.views[0]))
        share = self.classifier.out_features / len(self.classes)
        return in_full_precision(lambda values: self.loss(values, self.classes[batch.index], share), logits)
