"""A gallery of held-out images beside their nearest neighbours."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from lightning.pytorch import LightningModule, Trainer
from matplotlib.figure import Figure
from torch import Tensor

from csl.callbacks.figures import FigureCallback
from csl.callbacks.labels import Untold
from csl.callbacks.scalars import held_out_name
from csl.checks import check_positive
from csl.distributed import gather_rows, world
from csl.figures.image_rows import Tile, image_rows
from csl.figures.projection import stratified_sample
from csl.pairwise import CosineKeys
from csl.types import Features, Split


class NeighborGallery(FigureCallback):
    """Some held-out images, each beside the images whose features are nearest to its own by cosine.

    A neighbour of the image's class has a frame and a tick, one of another class a dashed frame and a cross. The same
    images are shown at every pass. Needs a data module that gives images, as `csl.data.ImageDataModule` does.

    Args:
        num_images: How many images, of each class in its proportion.
        num_neighbors: How many neighbours of each.
        output: The output of the method whose features are compared.
        every_n: Draw at every n-th validation pass (passes).

    Raises:
        ValueError: If a number is not positive.

    Example:
        >>> NeighborGallery(num_images=5).tag
        'neighbors'
    """

    needs_labels = False

    def __init__(self, num_images: int = 10, num_neighbors: int = 6, output: str = "encoder", every_n: int = 5) -> None:
        super().__init__("neighbors", output, every_n)
        check_positive(num_images=num_images, num_neighbors=num_neighbors)
        self.num_images, self.num_neighbors = num_images, num_neighbors
        self._images: Callable[[Tensor], Tensor] | None = None
        self._no_images = Untold()

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Draw, if there are images."""
        images = getattr(trainer.datamodule, "images", None)  # type: ignore[attr-defined]
        if images is None:
            self._no_images.tell(f"the data module gives no images: {type(self).__name__} is not drawn")
            return
        self._images = partial(images, held_out_name(trainer))
        super().on_features(trainer, module, features)

    def draw(self, rows: Features, class_names: list[str], title: str, is_writer: bool) -> Figure | None:
        """Gather the rows and search them on the process that writes."""
        values, labels, index = (gather_rows(column, world()) for column in rows)
        if not is_writer:
            return None
        order = index.argsort()
        values, labels, index = values[order], labels[order].cpu(), index[order].cpu()
        sample = sorted(stratified_sample(labels.numpy(), self.num_images, seed=0), key=lambda row: int(labels[row]))
        chosen = torch.tensor(sample)
        keys = chosen.to(values.device)
        _, near = CosineKeys(values).top(values[keys], min(self.num_neighbors, len(values) - 1), exclude=keys)
        lines = [self._line(labels, index, class_names, int(one), row) for one, row in zip(chosen, near, strict=True)]
        return image_rows(lines, title=f"{title}: an image and its nearest", gaps=(1,))

    def _line(self, labels: Tensor, index: Tensor, names: list[str], one: int, near: Tensor) -> list[Tile]:
        """An image, and its neighbours marked as hits and misses where labels tell."""
        assert self._images is not None
        rows = [one, *near.tolist()]
        words = [(names[label],) if (label := int(labels[row])) >= 0 else ("",) for row in rows]
        hits = [None if labels[one] < 0 or labels[row] < 0 else bool(labels[row] == labels[one]) for row in rows]
        images = self._images(index[rows])
        return [Tile(*parts) for parts in zip(images, words, [None, *hits[1:]], strict=True)]
