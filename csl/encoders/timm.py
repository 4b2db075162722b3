"""Any image model of the timm library as an encoder."""

import difflib
from typing import Any

from torch import Tensor

from csl.encoders.base import Encoder


class Timm(Encoder):
    """A model of timm (PyTorch Image Models) without its classifier, pooled as the model does it.

    Needs the extra: `pip install csl[timm]`.

    Args:
        name: A name that `timm.list_models()` lists, such as `resnet18` or `vit_tiny_patch16_224`.
        pretrained: Whether to load the weights timm has for it, from the net or the local cache.
        in_channels: Channels of an image.
        options: Further arguments of the model, such as `{"img_size": 32, "patch_size": 4}`.

    Raises:
        ValueError: If timm knows no such model; the nearest names are shown.
        ModuleNotFoundError: If timm is not installed.

    Example:
        >>> import torch
        >>> Timm("resnet10t")(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 512])
    """

    def __init__(
        self, name: str, pretrained: bool = False, in_channels: int = 3, options: dict[str, Any] | None = None
    ) -> None:
        model = _create(name, pretrained=pretrained, in_chans=in_channels, num_classes=0, **(options or {}))
        # Some models end in a layer behind `num_features`, which `num_classes=0` leaves in place.
        super().__init__(getattr(model, "head_hidden_size", None) or model.num_features, in_channels)
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` as features `[B, D]`."""
        features: Tensor = self.model(images)
        return features


def _create(name: str, **options: Any) -> Any:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"Timm({name!r}) needs the timm package: pip install 'csl[timm]'") from error
    if not timm.is_model(name.split(".")[0]):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ValueError(f"name: expected a model of timm, got {name!r}{hint}")
    return timm.create_model(name, **options)
