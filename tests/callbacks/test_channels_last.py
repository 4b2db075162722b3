import pytest
import torch
from torch import nn

from csl.callbacks import ChannelsLast
from csl.encoders import ResNet
from tests.methods.toy import METHODS, ONE, QUICK, ToyData, small, toy_trainer


@pytest.mark.parametrize(("width", "is_channels_last"), [(2, False), (4, False), (8, True)])
def test_narrow_convolutions_keep_the_layout_that_torch_computes_safely(width: int, is_channels_last: bool) -> None:
    method = small(METHODS["Supervised"], ResNet(10, width=width), optimization=QUICK)
    toy_trainer(max_steps=1, callbacks=[ChannelsLast()]).fit(method, datamodule=ToyData(ONE))
    kernel = next(m for m in method.modules() if isinstance(m, nn.Conv2d) and m.in_channels > 3).weight
    assert kernel.is_contiguous(memory_format=torch.channels_last) == is_channels_last
