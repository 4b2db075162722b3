"""DIM: what an image's vector says of each of its parts."""

from typing import ClassVar, Literal

from torch import Tensor, nn

from csl.encoders import Network
from csl.losses import DIMLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.local_maps import channels_of, local_layers_of, places_of
from csl.methods.optimization import Optimization
from csl.methods.usual import Usual
from csl.modules import ResidualMLP
from csl.types import Batch, View

RECIPE = Optimization("adamw", lr=1e-3, weight_decay=1e-4)


class DIM(Method):
    """Deep InfoMax, with its local objective.

    The encoder's features of a view, and the maps of an earlier layer, whose places see parts of it, become vectors of
    one length by a head each. The loss (`csl.losses.dim_loss`) tells an image's own places from those of the other
    images of the batch, those of all processes.

    There is one view, of which all parts come: what all of them share is learned, be it what the image shows or how it
    was augmented. The paper's global objective, which compares a vector with whole maps, and its prior for features are
    left out; it finds the local one alone best for classification.

    From Learning deep representations by mutual information estimation and maximization, 2018, arXiv 1808.06670.

    Args:
        encoder: The network to be trained and studied; `csl fit` takes a `LocalNet`, which has no padding, if none is
            named.
        estimator: `nce` or `jsd`, see the loss.
        local_layer: Name of the layer of the encoder whose maps are compared with features; the last of its
            `local_layers` if not given.
        hidden_dim: Hidden units of both heads.
        output_dim: Length of what the heads give.
        loss: Called with vectors `[B, D]` and places `[B, M, D]` in place of `DIMLoss(estimator)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the encoder has no such layer, or names none and none is given, or another argument cannot be.

    Example:
        >>> from csl.encoders import LocalNet
        >>> DIM(LocalNet(width=4), output_dim=64).local_head.linear
        Linear(in_features=16, out_features=64, bias=False)
    """

    views: tuple[View, ...] = (View(),)
    heads: ClassVar[tuple[str, ...]] = ("encoder", "global_head")
    accumulates: ClassVar[bool] = False
    usual: ClassVar[Usual] = Usual(encoder="LocalNet")

    def __init__(
        self,
        encoder: Network,
        estimator: Literal["nce", "jsd"] = "nce",
        local_layer: str | None = None,
        hidden_dim: int = 512,
        output_dim: int = 512,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        self.local_layer = local_layer or local_layers_of(self.encoder)[-1]
        (channels,) = channels_of(self.encoder, [self.local_layer])
        self.global_head = ResidualMLP(self.encoder.feature_dim, hidden_dim, output_dim)
        self.local_head = ResidualMLP(channels, hidden_dim, output_dim)
        self.loss = loss_or(loss, DIMLoss(estimator), estimator=(estimator, "nce"))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        features, (maps,) = self.encoder.features_and_maps(batch.views[0], [self.local_layer])
        return in_full_precision(self.loss, self.global_head(features), self.local_head(places_of(maps)))
