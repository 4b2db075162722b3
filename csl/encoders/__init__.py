"""Image encoders: images `[B, C, H, W]` in, features `[B, D]` out, no heads."""

from csl.encoders.base import Encoder
from csl.encoders.convnet import ConvNet
from csl.encoders.resnet import ResNet
from csl.encoders.timm import Timm
from csl.encoders.vit import ViT

__all__ = ["ConvNet", "Encoder", "ResNet", "Timm", "ViT"]
