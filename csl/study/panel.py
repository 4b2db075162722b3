"""What a sweep measures of every checkpoint, beside the panel and the probes: losses, ranks of views, clusters."""

from collections.abc import Iterator, Mapping
from itertools import islice

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from csl.callbacks import OrganizationMetrics, ProbeMonitor
from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.held_out_loss import mean_loss
from csl.callbacks.scalars import log_scalars
from csl.data import ImageDataModule
from csl.methods import Method
from csl.metrics.directions import with_length_one
from csl.metrics.functional import clid, kmeans_clusters, lidar
from csl.probes import default_probes
from csl.types import Split

IMAGES, VIEWS = 1000, 10  # of LiDAR


class Losses(FeatureCallback):
    """Measures `train/loss` and `val/loss` with fixed weights, on views that are the same for every checkpoint.

    Both are means over as many batches as the held-out set fills. A method without such a loss is passed over.
    """

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Measure both."""
        if isinstance(module, Method) and module.has_held_out_loss:
            data: ImageDataModule = trainer.datamodule  # type: ignore[attr-defined]
            count, size = data.augmented_sizes("val")
            losses = {
                "train/loss": mean_loss(trainer, module, "train", limit=count // size),
                "val/loss": mean_loss(trainer, module, "val"),
            }
            log_scalars(module, losses, progress_bar=())


class ViewRank(FeatureCallback):
    """Measures `train/lidar`: LiDAR of the encoder's features of augmented views of training images.

    Args:
        images: At most so many images.
        views: So many views of each.

    Example:
        >>> ViewRank(images=100).images
        100
    """

    def __init__(self, images: int = IMAGES, views: int = VIEWS) -> None:
        super().__init__()
        self.images, self.views = images, views

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Encode the views, and measure."""
        assert isinstance(module, Method)
        with torch.no_grad():
            parts = list(self._encoded(trainer, module))
        values, index = (torch.cat(part) for part in zip(*parts, strict=True))
        log_scalars(module, {"train/lidar": lidar(values, index)}, progress_bar=())

    def _encoded(self, trainer: Trainer, method: Method) -> Iterator[tuple[Tensor, Tensor]]:
        """Features of full-size views, and the numbers of their images."""
        data: ImageDataModule = trainer.datamodule  # type: ignore[attr-defined]
        full = method.views[0].count
        batches = -(-self.images // data.augmented_sizes("train")[1])
        for draw in range(-(-self.views // full)):
            for batch in islice(data.augmented_batches("train", draw), batches):
                for view in batch.views[:full]:
                    yield method.encoder(view).float(), batch.index


class ClusterLearnability(FeatureCallback):
    """Measures `val/cluster_learnability`, of CLID the part that is not in the panel.

    Features have length 1; k-means finds √N clusters of the N held-out images, so that no label is looked at.
    """

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Find the clusters, and measure."""
        values = with_length_one(features["encoder"].val).values
        learnability, _ = clid(values, kmeans_clusters(values, round(len(values) ** 0.5)))
        log_scalars(module, {"val/cluster_learnability": learnability}, progress_bar=())


def monitors() -> list[FeatureCallback]:
    """What measures a checkpoint: the whole panel, every probe, the losses, LiDAR, and how learnable clusters are."""
    return [
        *(OrganizationMetrics("panel"), ProbeMonitor(default_probes())),
        *(Losses(), ViewRank(), ClusterLearnability()),
    ]
