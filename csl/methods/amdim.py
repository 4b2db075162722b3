"""AMDIM: what one view of an image says of the parts of another one."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from csl.encoders import Network
from csl.losses import AMDIMLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.local_maps import channels_of, local_layers_of, places_of
from csl.methods.optimization import Optimization
from csl.methods.run import run_seed
from csl.methods.usual import Usual
from csl.modules import ResidualMLP
from csl.randomness import noise_of
from csl.types import Batch

RECIPE = Optimization("adamw", lr=1e-3, weight_decay=1e-4)


class AMDIM(Method):
    """Augmented multiscale Deep InfoMax.

    A view's features, and its maps at two scales, become vectors of one length by a head each. Three contrasts
    (`csl.losses.amdim_loss`) are added up, each the mean of both ways between two views: features find the coarse and
    the fine places of the other view, and one coarse place, drawn at random, finds the coarse ones. The negatives are
    all places of all other images of the batch, those of all processes.

    The paper's mixtures of features are left out.

    From Learning Representations by Maximizing Mutual Information Across Views, 2019, arXiv 1906.00910.

    Args:
        encoder: The network to be trained and studied; `csl fit` takes a `LocalNet`, which has no padding, if none is
            named.
        clip: c of the loss.
        penalty: λ of the loss.
        local_layers: Names of the layers of the encoder whose maps are taken, the coarsest first; its own
            `local_layers` if not given.
        hidden_dim: Hidden units of each head.
        output_dim: Length of what the heads give.
        loss: Called with vectors `[B, D]` and places `[B, M, D]` in place of `AMDIMLoss(clip, penalty)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the encoder has no such layers, or names none and none are given, or another argument cannot be.

    Example:
        >>> from csl.encoders import LocalNet
        >>> AMDIM(LocalNet(width=4)).local_layers
        ('coarse', 'fine')
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "global_head")
    accumulates: ClassVar[bool] = False
    usual: ClassVar[Usual] = Usual(encoder="LocalNet")

    def __init__(
        self,
        encoder: Network,
        clip: float = 20.0,
        penalty: float = 0.05,
        local_layers: Sequence[str] | None = None,
        hidden_dim: int = 512,
        output_dim: int = 512,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        self.local_layers = tuple(local_layers or local_layers_of(self.encoder))
        channels = channels_of(self.encoder, self.local_layers)
        self.global_head = ResidualMLP(self.encoder.feature_dim, hidden_dim, output_dim)
        self.local_heads = nn.ModuleList(ResidualMLP(count, hidden_dim, output_dim) for count in channels)
        own = AMDIMLoss(clip, penalty)
        self.loss = loss_or(loss, own, clip=(clip, 20.0), penalty=(penalty, 0.05))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        first, second = (self._scales(view) for view in batch.views)
        drawn = noise_of(batch.index, 2, "place", run_seed(), self.global_step).unbind(dim=1)
        return (self._found(first, second, drawn[0]) + self._found(second, first, drawn[1])) / 2

    def _scales(self, view: Tensor) -> "_Scales":
        features, maps = self.encoder.features_and_maps(view, self.local_layers)
        places = [head(places_of(one)) for head, one in zip(self.local_heads, maps, strict=True)]
        return _Scales(self.global_head(features), places)

    def _found(self, one: "_Scales", other: "_Scales", drawn: Tensor) -> Tensor:
        """The places of one view that the other finds."""
        pairs = [(one.vector, places) for places in other.places]
        coarse = one.places[0]
        rows = torch.arange(len(coarse), device=coarse.device)
        pairs.append((coarse[rows, drawn % coarse.shape[1]], other.places[0]))
        return torch.stack([in_full_precision(self.loss, *pair) for pair in pairs]).sum()


class _Scales(NamedTuple):
    """A view as a vector `[B, D]`, and its places `[B, M, D]` at each scale."""

    vector: Tensor
    places: list[Tensor]
