"""What methods share that keep something for every training image."""

from typing import Any, ClassVar

from csl.checks import check_positive
from csl.methods.base import Method
from csl.methods.run import num_training_images
from csl.modules import FeatureBank
from csl.types import Batch, RawBatch


class PerImageMethod(Method):
    """Base of methods with a memory of, or parameters for, each training image.

    A subclass names in `per_image` a tensor of its own with a row for each image, implements `make_for`, and calls
    `expect_images` at the end of its constructor. How many images there are is known at the start of a fit, from the
    data, or from a checkpoint.

    Attributes:
        per_image: The tensor's name in the method's state.
    """

    has_held_out_loss: bool = False
    per_image: ClassVar[str]

    def make_for(self, num_images: int) -> None:
        """Make what there is for each image, for so many of them; 0 as long as their number is not known."""
        raise NotImplementedError(f"{type(self).__name__} does not implement make_for(num_images)")

    @property
    def keeps_images(self) -> bool:
        """Whether the method, as it was configured, keeps something for each image; else their number is not needed."""
        return True

    def expect_images(self, num_images: int | None) -> None:
        """Get ready for so many images, or for as many as the data will have if not given.

        Raises:
            ValueError: If the number is not positive.
        """
        check_positive(num_images=1 if num_images is None else num_images)
        self.num_images = num_images
        self.make_for(num_images or 0)

    def setup(self, stage: str) -> None:
        """Learn from the data how many images there are.

        Raises:
            ValueError: At the start of a fit, if the data have more images than were expected, or tell no number where
                none was expected.
        """
        super().setup(stage)
        if stage != "fit" or not self.keeps_images:
            return
        found = num_training_images(self.trainer)
        if self.num_images is None and found is None:
            raise ValueError(
                f"num_images: expected how many training images there are, which {type(self).__name__} keeps something "
                "for each of, as the data do not tell; got None"
            )
        if self.num_images is not None and found is not None and found > self.num_images:
            raise ValueError(f"num_images: expected at least the data's {found}, got {self.num_images}")
        self.make_for(self.num_images or found or 0)

    @property
    def _ddp_params_and_buffers_to_ignore(self) -> list[str]:
        """What `DistributedDataParallel` need not send to all processes before each forward pass.

        Every process has the same, by the same updates; of a million images it would be half a gigabyte a step.
        """
        banks = [f"{name}.features" for name, part in self.named_modules() if isinstance(part, FeatureBank)]
        return [*banks, self.per_image]

    def as_batch(self, given: Any, batch_idx: int | None = None, dataloader_idx: int = 0) -> Batch:
        """As in every method, but a training batch must say which images it holds.

        Raises:
            ValueError: If it does not, where something is kept for each image.
        """
        if batch_idx is None and self.keeps_images and not isinstance(given, Batch | RawBatch):
            raise ValueError(
                f"batch: {type(self).__name__} keeps something for each training image, so that it must know which "
                "ones these are: expected a csl.types.Batch(views, labels, index), with index [B] the positions in the "
                f"training set, from 0; got a {type(given).__name__} without"
            )
        return super().as_batch(given, batch_idx, dataloader_idx)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Have as many images as a checkpoint has; the parts are loaded after this."""
        if (saved := state_dict.get(prefix + self.per_image)) is not None:
            self.make_for(len(saved))
        super()._load_from_state_dict(state_dict, prefix, *args)
