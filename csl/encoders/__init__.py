"""Image encoders: images `[B, C, H, W]` in [0, 1] in, features `[B, D]` out, no heads."""

from csl.encoders.backbone import Backbone, as_encoder, outermost
from csl.encoders.base import Encoder
from csl.encoders.convnet import ConvNet
from csl.encoders.hugging_face import HuggingFace
from csl.encoders.lab_resnet import LabResNet
from csl.encoders.local_net import LocalNet
from csl.encoders.network import Network
from csl.encoders.patch_resnet import PatchResNet
from csl.encoders.pixels import Pixels
from csl.encoders.resnet import ResNet
from csl.encoders.saved import load_encoder
from csl.encoders.timm import Timm
from csl.encoders.vit import ViT
from csl.encoders.weights import load_weights

__all__ = [
    "Backbone",
    "ConvNet",
    "Encoder",
    "HuggingFace",
    "LabResNet",
    "LocalNet",
    "Network",
    "PatchResNet",
    "Pixels",
    "ResNet",
    "Timm",
    "ViT",
    "as_encoder",
    "load_encoder",
    "load_weights",
    "outermost",
]
