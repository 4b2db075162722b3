"""An encoder as it is: measured, not trained."""

import logging
from typing import ClassVar

from lightning.pytorch import Callback
from torch import Tensor

from csl.encoders import Backbone, Network
from csl.methods.base import Method
from csl.methods.step import Step
from csl.types import Batch, View

log = logging.getLogger(__name__)


class Frozen(Method):
    """The method that trains nothing: it measures an encoder that somebody else trained.

    `csl validate --model Frozen --model.encoder Timm --model.encoder.name vit_tiny_patch16_224 --data.source Folder
    --data.source.root DIR --weights FILE` prints the whole table for a folder of images, `csl predict` writes their
    features. Images come in the size that the encoder was made for, with as many channels as it takes, normalised by
    its own `mean` and `std`. Where the encoder knows how its weights were evaluated (`Timm`, `HuggingFace`), they are
    cut and resized as there; otherwise they are the central squares, resized bilinearly.

    Args:
        encoder: The network to be measured.

    Raises:
        ValueError: At the start of a fit.

    Example:
        >>> from csl.encoders import ConvNet
        >>> method = Frozen(ConvNet(width=2))
        >>> any(parameter.requires_grad for parameter in method.parameters())
        False
    """

    views: tuple[View, ...] = (View(),)
    trains: ClassVar[bool] = False
    has_held_out_loss: bool = False

    def __init__(self, encoder: Network) -> None:
        super().__init__(encoder)
        self.encoder.requires_grad_(False)

    def configure_callbacks(self) -> list[Callback]:
        """Refuse a fit, here, where nothing is downloaded, decoded or written yet."""
        if self.trainer.training:
            raise ValueError(
                "Frozen trains nothing, it measures an encoder as it is: csl validate --model Frozen. To train one, "
                "choose a method, and --weights FILE to start from: csl fit --model SimCLR --weights FILE"
            )
        return []

    def on_validation_start(self) -> None:
        """Say where an encoder is measured that nobody trained."""
        is_known = not isinstance(self.encoder, Backbone) and next(self.encoder.parameters(), None) is not None
        if is_known and not (self.encoder.is_trained or self.trainer.ckpt_path):
            log.info(
                "the encoder's weights are random: give those to be measured, --weights FILE, or, of timm's models, "
                "--model.encoder.pretrained true"
            )

    def training_loss(self, batch: Batch) -> Tensor | Step:
        """There is none.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("Frozen has no loss: it trains nothing")
