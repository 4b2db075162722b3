"""CPC: from the patches above, predict those below."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_range, check_share
from csl.distributed import size, world
from csl.encoders import Network, PatchResNet
from csl.losses import CPCLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.local_maps import places_of
from csl.methods.optimization import Optimization
from csl.methods.run import run_seed
from csl.methods.usual import Usual
from csl.modules import DRAWS, RowContext, changed_patches
from csl.randomness import derive_generator, noise_of
from csl.types import Batch, View

LARGEST_HIDDEN = 256  # channels of a context network
RECIPE = Optimization("adamw", lr=1e-3, weight_decay=1e-4)


class CPC(Method):
    """Contrastive predictive coding of patches, in its second version.

    A view is cut into overlapping patches, each of which is changed at random and encoded by itself. A context network
    joins what a row and the rows above hold, and a linear map for each distance predicts the patches that are so many
    rows below. The loss (`csl.losses.cpc_loss`) finds those among patches of the batch, drawn from those of all
    processes. The same is done with the grid turned, each direction with networks of its own.

    Features are the mean of the encoder's vectors of all patches, unchanged, as in the paper; they do not say where a
    patch lies, which digits, for example, are told by. The context networks are not measured.
    The paper changes patches in more ways, some of them from AutoAugment.

    From Data-Efficient Image Recognition with Contrastive Predictive Coding, 2019, arXiv 1905.09272; first in
    Representation Learning with Contrastive Predictive Coding, 2018, arXiv 1807.03748.

    Args:
        encoder: The network to be trained and studied, a `PatchResNet`, which `csl fit` takes if none is named.
        scale: s of the loss.
        first_step: Rows to the nearest patch that is predicted; the next row's overlap by half.
        steps: How many rows from there on are predicted, where the grid has so many.
        directions: In how many directions, up to 4: down, up, right, left.
        patch_jitter: How much contrast and brightness of each patch change, from 0 to 1.
        color_drop: How often a patch is left with one of its three colours.
        context_depth: Blocks of a context network.
        hidden_dim: Channels in them; if not given, half as many as the encoder has features, and at most 256, the
            paper's number for 4,096 features.
        output_dim: Length of predictions and of what they are compared with.
        negatives: Patches of the batch that every prediction is compared with, drawn anew for each step; 0 for all, as
            in the paper, which are 12,544 for 256 images of 49 patches.
        loss: Called with predictions `[B, P, D]`, targets `[B, Q, D]`, the places of the predicted ones `[P]` and the
            numbers of the patches that were drawn `[M]` or None in place of `CPCLoss(scale)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the encoder is another one, its grid has no row that far, or another argument cannot be.

    Example:
        >>> cpc = CPC(PatchResNet(depth=10, width=4, image_size=32), steps=9)
        >>> cpc.encoder.grid, cpc.distances
        (7, (2, 3, 4, 5, 6))
    """

    views: tuple[View, ...] = (View(),)
    accumulates: ClassVar[bool] = False
    usual: ClassVar[Usual] = Usual(encoder="PatchResNet")

    def __init__(
        self,
        encoder: Network,
        scale: float = 0.1,
        first_step: int = 2,
        steps: int = 3,
        directions: int = 4,
        patch_jitter: float = 0.4,
        color_drop: float = 0.5,
        context_depth: int = 5,
        hidden_dim: int | None = None,
        output_dim: int = 64,
        negatives: int = 1024,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(first_step=first_step, steps=steps, context_depth=context_depth)
        check_positive(hidden_dim=1 if hidden_dim is None else hidden_dim, output_dim=output_dim)
        check_range("negatives", negatives)
        check_range("directions", directions, above=0, below=5)
        check_share(patch_jitter=patch_jitter, color_drop=color_drop)
        if not isinstance(self.encoder, PatchResNet):
            raise ValueError(f"encoder: expected a PatchResNet for CPC, got {type(self.encoder).__name__}")
        if first_step >= (rows := self.encoder.grid):
            raise ValueError(f"first_step: expected less than the {rows} rows of patches, got {first_step}")
        self.distances = tuple(range(first_step, min(first_step + steps, rows)))
        self.patch_jitter, self.color_drop = patch_jitter, color_drop
        self.negatives = negatives
        dim = self.encoder.feature_dim
        hidden = max(1, min(dim // 2, LARGEST_HIDDEN)) if hidden_dim is None else hidden_dim
        self.target_head = nn.Linear(dim, output_dim, bias=False)
        self.predictors = nn.ModuleList(
            _Predictor(RowContext(dim, hidden, context_depth), output_dim, self.distances, turn)
            for turn in range(directions)
        )
        self.loss = loss_or(loss, CPCLoss(scale), scale=(scale, 0.1))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        assert isinstance(self.encoder, PatchResNet)
        patches = self.encoder.cut(batch.views[0])
        count = DRAWS * patches.shape[1] * patches.shape[2]
        noise = noise_of(batch.index, count, "patches", run_seed(), self.global_step)
        maps = self.encoder.maps_of(changed_patches(patches, noise, self.patch_jitter, self.color_drop))
        found = [prediction for predictor in self.predictors for prediction in predictor(maps)]
        predictions = torch.cat([one.values for one in found], dim=1)
        places = torch.cat([one.places for one in found])
        targets = self.target_head(places_of(maps))
        drawn = self._drawn(targets)
        return in_full_precision(lambda p, t: self.loss(p, t, places, drawn), predictions, targets)

    def _drawn(self, targets: Tensor) -> Tensor | None:
        """Numbers of this step's negatives `[M]` among the patches of all processes, the same ones on each; or all."""
        count = size(world()) * targets.shape[0] * targets.shape[1]
        if not 0 < self.negatives < count:
            return None
        generator = derive_generator("negatives", run_seed(), self.global_step)
        drawn = torch.randperm(count, generator=generator)[: self.negatives]
        return drawn.to(targets.device, non_blocking=True)


class _Predictions(NamedTuple):
    """Predictions `[B, P, D]`, and the places of the grid `[P]`, counted row by row, that they are of."""

    values: Tensor
    places: Tensor


class _Predictor(nn.Module):
    """Predicts patches in one direction: a context network over the turned grid, and a linear map for each distance."""

    def __init__(self, context: RowContext, output_dim: int, distances: tuple[int, ...], turn: int) -> None:
        super().__init__()
        self.context, self.distances, self.turn = context, distances, turn
        self.steps = nn.ModuleList(nn.Linear(context.dim, output_dim) for _ in distances)

    def forward(self, maps: Tensor) -> list[_Predictions]:
        height, width = maps.shape[2:]
        places = _turned(torch.arange(height * width, device=maps.device).view(height, width), self.turn)
        context = self.context(_turned(maps, self.turn))
        return [
            _Predictions(step(places_of(context[:, :, :-distance])), places[distance:].flatten())
            for distance, step in zip(self.distances, self.steps, strict=True)
        ]


def _turned(grid: Tensor, turn: int) -> Tensor:
    """A grid `[..., h, w]` with what lies down, up, right or left (0 to 3) of a place below it."""
    grid = grid if turn < 2 else grid.mT
    return grid.flip(-2) if turn % 2 else grid
