"""The memory format in which convolutions are fastest."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn


class ChannelsLast(Callback):
    """Keeps a method's weights channels last, in which convolutions are a third to a half faster, on CPUs and GPUs.

    On a CPU only where every convolution has a multiple of 8 output channels: with 2 to 4 their backward pass writes
    beyond its memory (torch 2.15), which ends the process or worse, and only whole vectors gain.

    Example:
        >>> ChannelsLast().state_dict()
        {}
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Change the format of what is there before anything is computed."""
        if trainer.strategy.root_device.type != "cpu" or _fills_vectors(pl_module):
            pl_module.to(memory_format=torch.channels_last)


def _fills_vectors(module: nn.Module) -> bool:
    return all(conv.out_channels % 8 == 0 for conv in module.modules() if isinstance(conv, nn.Conv2d))
