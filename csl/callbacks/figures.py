"""Pictures of the held-out features, in the logs and in the run's folder."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure
from torch import Tensor

from csl.callbacks.failures import reason_of
from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.labels import Untold, has_labels
from csl.callbacks.moment import epochs_of
from csl.callbacks.pictures import show_figure
from csl.callbacks.scalars import chosen, held_out_name, tolerated
from csl.distributed import gather_rows, world
from csl.figures import affinity_map, class_bars, feature_map
from csl.metrics.directions import with_length_one
from csl.metrics.functional import class_affinity, relative_local_density_per_class
from csl.types import Features, Split


class FigureCallback(FeatureCallback):
    """Base of callbacks that draw one figure of the held-out features.

    Write `draw`, which every process calls with its own rows; only the first process writes the figure, which is
    emptied afterwards.

    Args:
        tag: The name of the picture, behind `val/`.
        output: The output of the method that is drawn.
        every_n: Draw at every n-th validation pass (passes).
        normalize: Whether to draw features with length 1, as the paper does; false for those that the encoder gives.

    Attributes:
        needs_labels: Whether there is nothing to draw where no image has a label, which is then said once.
    """

    needs_labels: ClassVar[bool] = True

    def __init__(self, tag: str, output: str = "encoder", every_n: int = 5, normalize: bool = True) -> None:
        super().__init__(every_n)
        self.tag, self.outputs, self.normalize = tag, (output,), normalize
        self._untold = Untold()

    def draw(self, rows: Features, class_names: list[str], title: str, is_writer: bool) -> Figure | None:
        """The figure of this process's rows, or None where `is_writer` is False and nothing has to be drawn."""
        raise NotImplementedError(f"{type(self).__name__} has no draw(rows, class_names, title, is_writer)")

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Draw, and hand the figure to every logger that can show it and to the run's folder."""
        ((_, split),) = chosen(features, self.outputs)
        rows = split.val
        if self.needs_labels and not has_labels(rows):
            self._untold.tell(f"no image has a label: {type(self).__name__} is not drawn")
            return
        title = f"{type(module).__name__}, {self.outputs[0]}, epoch {epochs_of(trainer)}"
        try:
            rows = with_length_one(rows) if self.normalize else rows
            figure = self.draw(rows, class_names(trainer, rows.labels), title, trainer.is_global_zero)
        except tolerated() as error:
            rank_zero_warn(f"{type(self).__name__} has nothing to draw: {reason_of(error)}")
            return
        show_figure(trainer, f"{held_out_name(trainer)}/{self.tag}", figure)
        if figure is not None:
            figure.clear()  # its parts refer to one another and would wait for the garbage collector


class FeatureMap(FigureCallback):
    """A 2-D map of the held-out features, coloured by class: t-SNE, or PCA where that is asked for.

    Where no image has a label, all points have one colour.

    t-SNE: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008.

    Args:
        projection: "tsne" or "pca".
        max_samples: Draw a seeded, stratified sample of at most so many points.
        output: The output of the method that is drawn.
        every_n: Draw at every n-th validation pass (passes).
        normalize: Whether to draw features with length 1, as the paper does; false for those that the encoder gives.

    Example:
        >>> FeatureMap(every_n=10).tag
        'feature_map'
    """

    needs_labels = False

    def __init__(
        self,
        projection: Literal["tsne", "pca"] = "tsne",
        max_samples: int = 2000,
        output: str = "encoder",
        every_n: int = 5,
        normalize: bool = True,
    ) -> None:
        super().__init__("feature_map", output, every_n, normalize)
        self.projection, self.max_samples = projection, max_samples

    def draw(self, rows: Features, class_names: list[str], title: str, is_writer: bool) -> Figure | None:
        """Gather the rows and map them on the process that writes."""
        values, labels = gather_rows(rows.values, world()), gather_rows(rows.labels, world())
        if not is_writer:
            return None
        return feature_map(
            values,
            labels,
            class_names,
            normalize=self.normalize,
            title=title,
            projection=self.projection,
            max_samples=self.max_samples,
        )


class ClassAffinityMap(FigureCallback):
    """The class-by-class affinity as a heat map: which classes share neighbourhoods.

    Args:
        temperature: T of the affinity, as in `csl.metrics.functional.class_affinity`.
        output: The output of the method that is drawn.
        every_n: Draw at every n-th validation pass (passes).
        normalize: Whether to draw features with length 1, as the paper does; false for those that the encoder gives.

    Example:
        >>> ClassAffinityMap(temperature=0.2).tag
        'class_affinity'
    """

    def __init__(
        self, temperature: float = 0.1, output: str = "encoder", every_n: int = 5, normalize: bool = True
    ) -> None:
        super().__init__("class_affinity", output, every_n, normalize)
        self.temperature = temperature

    def draw(self, rows: Features, class_names: list[str], title: str, is_writer: bool) -> Figure | None:
        """Compute the affinity with all processes and draw it on the one that writes."""
        affinity = class_affinity(rows.values, rows.labels, self.temperature, group=world())
        present = [class_names[label] for label in torch.unique(gather_rows(rows.labels, world())).tolist()]
        return affinity_map(affinity, present, title=f"{title}, T = {self.temperature}") if is_writer else None


class ClassDensityBars(FigureCallback):
    """What each class adds to relative local density: which classes keep to themselves, and which mix with others.

    Args:
        temperature: T, as in `csl.metrics.functional.relative_local_density_per_class`.
        output: The output of the method that is drawn.
        every_n: Draw at every n-th validation pass (passes).
        normalize: Whether to draw features with length 1, as the paper does; false for those that the encoder gives.

    Example:
        >>> ClassDensityBars(temperature=0.2).tag
        'class_density'
    """

    def __init__(
        self, temperature: float = 0.1, output: str = "encoder", every_n: int = 5, normalize: bool = True
    ) -> None:
        super().__init__("class_density", output, every_n, normalize)
        self.temperature = temperature

    def draw(self, rows: Features, class_names: list[str], title: str, is_writer: bool) -> Figure | None:
        """Compute the contributions with all processes and draw them on the one that writes."""
        shares = relative_local_density_per_class(rows.values, rows.labels, self.temperature, group=world())
        present = [class_names[label] for label in torch.unique(gather_rows(rows.labels, world())).tolist()]
        if not is_writer:
            return None
        label = f"contribution to RLD at T = {self.temperature:g}, which is their sum, {float(shares.sum()):.4f}"
        return class_bars(shares, present, title=title, label=label)


def class_names(trainer: Trainer, labels: Tensor) -> list[str]:
    """The data module's names of the classes, or their numbers."""
    names = getattr(trainer.datamodule, "class_names", None)  # type: ignore[attr-defined]
    return list(names) if names else [str(label) for label in range(int(labels.max()) + 1)]
