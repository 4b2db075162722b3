"""Residual networks for small and large images, at any width, from torchvision's blocks."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal, Unpack

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1

from csl.checks import check_positive
from csl.encoders.base import Encoder, EncoderOptions

STAGES: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, int, int, int]]] = {
    10: (BasicBlock, (1, 1, 1, 1)),
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}

# Layer norm is that of an image's channels and positions together.
NORMS: dict[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm2d, "layer": partial(nn.GroupNorm, 1)}

_SMALL = 64  # pixels


class ResNet(Encoder):
    """A ResNet without its classifier: features are the mean over positions after the last stage.

    Parameter names and, at `width=64`, shapes are torchvision's, so that its weights load where the stem agrees.
    Maps are those of the last stage; `layers: [layer3, layer4]` measures stages beside the features.
    The small stem is what self-supervised work on CIFAR uses.

    From Deep Residual Learning for Image Recognition, 2015, arXiv 1512.03385.

    Args:
        depth: 10, 18, 34 (512 features at width 64), 50 or 101 (2,048 features).
        stem: `small`: a 3×3 convolution of stride 1 and no max-pool. `imagenet`: a 7×7 convolution of stride 2 and a
            max-pool. If not given, `imagenet` for images above 64 pixels and `small` for others.
        width: Channels of the first stage, 64 in the paper; features have 8 (depths 50 and 101: 32) times as many.
            `ResNet(depth=10, width=16)` has 0.31 million parameters and suits a laptop.
        in_channels: Channels of an image.
        image_size: Height and width of the images, in pixels, which decide the stem where it is not given; the network
            takes images of any size. `csl fit` says those of the data.
        norm: `batch`, or `layer`, by which no image knows of another.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Raises:
        ValueError: If `depth`, `stem` or `norm` is none of the above, or a size is not positive.

    Example:
        >>> ResNet(depth=18, width=16)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 128])
        >>> ResNet(image_size=224).conv1.stride, ResNet(image_size=64).conv1.stride
        ((2, 2), (1, 1))
    """

    local_layers: ClassVar[tuple[str, ...]] = ("layer3", "layer2")

    def __init__(
        self,
        depth: int = 18,
        stem: Literal["small", "imagenet"] | None = None,
        width: int = 64,
        in_channels: int = 3,
        image_size: int | None = None,
        norm: Literal["batch", "layer"] = "batch",
        **options: Unpack[EncoderOptions],
    ) -> None:
        if depth not in STAGES:
            raise ValueError(f"depth: expected one of {', '.join(map(str, STAGES))}, got {depth}")
        if norm not in NORMS:
            raise ValueError(f"norm: expected 'batch' or 'layer', got {norm!r}")
        check_positive(width=width)
        block, blocks = STAGES[depth]
        super().__init__(8 * width * block.expansion, in_channels, **options)
        self.conv1, maxpool = _stem(stem or _stem_for(image_size), in_channels, width)
        self.bn1 = NORMS[norm](width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = maxpool  # in torchvision's order: weights may number the parts
        inputs = [width, *(width * 2**i * block.expansion for i in range(3))]
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(block, inputs[i], width * 2**i, blocks[i], 1 if i == 0 else 2, NORMS[norm]) for i in range(4)
        )
        self.apply(_initialize)
        self.complete()

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Depth, stem, width and channels of a ResNet, from the shapes of its weights."""
        if "conv1.weight" not in weights or weights["conv1.weight"].ndim != 4:
            return super().sizes(weights)
        width, in_channels, kernel, _ = weights["conv1.weight"].shape
        block = Bottleneck if "layer1.0.conv3.weight" in weights else BasicBlock
        stages = [{name.split(".")[1] for name in weights if name.startswith(f"layer{i}.")} for i in range(1, 5)]
        form = block, tuple(map(len, stages))
        depths: dict[Any, int] = {form: depth for depth, form in STAGES.items()}
        depth = depths.get(form, f"{form[1]} {block.__name__}s, which Timm may have")
        stem = {3: "small", 7: "imagenet"}.get(kernel, f"a {kernel}x{kernel} convolution")
        return {"depth": depth, "stem": stem, "width": width, "in_channels": in_channels}

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`."""
        return torch.flatten(nn.functional.adaptive_avg_pool2d(self.forward_maps(images), 1), 1)

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D, h, w]`; their mean is the features."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer2(self.layer1(maps))
        last: Tensor = self.layer4(self.layer3(maps))
        return last


def layers_of(resnet: ResNet) -> nn.Sequential:
    """A network's layers by their names: images in, maps out, without a window of its own.

    Example:
        >>> layers_of(ResNet(depth=10, width=4))(torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2, 32, 1, 1])
    """
    return nn.Sequential(OrderedDict(resnet.named_children()))


def _stem_for(image_size: int | None) -> str:
    """At 141 pixels the small stem takes eleven times the time of the other, and four times the memory."""
    return "imagenet" if image_size is not None and image_size > _SMALL else "small"


def _stem(stem: str, in_channels: int, width: int) -> tuple[nn.Conv2d, nn.Module]:
    if stem == "small":
        return nn.Conv2d(in_channels, width, 3, stride=1, padding=1, bias=False), nn.Identity()
    if stem == "imagenet":
        return nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False), nn.MaxPool2d(3, stride=2, padding=1)
    raise ValueError(f"stem: expected 'small' or 'imagenet', got {stem!r}")


def _stage(
    block: type[BasicBlock | Bottleneck],
    inputs: int,
    planes: int,
    blocks: int,
    stride: int,
    norm: Callable[[int], nn.Module],
) -> nn.Sequential:
    outputs = planes * block.expansion
    shortcut = None
    if stride != 1 or inputs != outputs:
        shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), norm(outputs))
    first = block(inputs, planes, stride, shortcut, norm_layer=norm)
    return nn.Sequential(first, *(block(outputs, planes, norm_layer=norm) for _ in range(blocks - 1)))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
