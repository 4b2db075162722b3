"""What methods share that compare images with a queue of earlier ones."""

from typing import Any, ClassVar

from lightning.pytorch.utilities import rank_zero_info

from csl.checks import check_positive
from csl.methods.base import Method
from csl.methods.run import num_training_images
from csl.modules import FeatureQueue


class QueueMethod(Method):
    """Base of methods with a queue of earlier images' features, `queue`, which should not hold an image's own.

    A queue whose length the user leaves open is never longer than half the training set: the epochs' orders are random,
    so that an image then finds its own features of the epoch before in at most one of eight steps, on average, and
    hardly ever in much larger sets. That is settled at the start of a fit, from the data, or by a checkpoint.

    Attributes:
        usual_queue_size: The queue's length on large sets.
        queue_size: The queue's length, K, which the record of a run has, too.
    """

    usual_queue_size: ClassVar[int] = 4096
    queue: FeatureQueue

    def make_queue(self, size: int | None, dim: int, at_least: int = 1) -> None:
        """Make the queue, of features `[D]`; without a size, of one that suits the training set.

        Raises:
            ValueError: If the size is not positive.
        """
        check_positive(queue_size=1 if size is None else size)
        self._is_chosen, self._shortest = size is None, at_least
        self.queue_size = size or self.usual_queue_size
        self.queue = FeatureQueue(self.queue_size, dim)

    def setup(self, stage: str) -> None:
        """Choose the queue's length, where it is left open."""
        super().setup(stage)
        images = num_training_images(self.trainer)
        if stage != "fit" or not self._is_chosen or images is None:
            return
        size = max(self._shortest, min(self.usual_queue_size, images // 2))
        why = f", half of the {images:,} training images" if size < self.usual_queue_size else ""
        rank_zero_info(f"queue_size: {size:,}{why}")
        self._resize(size)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take the length that a checkpoint has, where it was left open; the queue is loaded after this."""
        if self._is_chosen and (saved := state_dict.get(f"{prefix}queue.features")) is not None:
            self._resize(len(saved))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _resize(self, size: int) -> None:
        self.queue_size = size
        self.queue.resize(size)
