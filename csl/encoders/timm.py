"""Any image model of the timm library as an encoder."""

import difflib
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from torch import Tensor, nn

from csl.encoders.base import Encoder, EncoderOptions
from csl.encoders.positions import kept_patches, on_grid
from csl.types import Preparation


class Timm(Encoder):
    """A model of timm (PyTorch Image Models) without its classifier, pooled as the model does it.

    Needs the extra: `pip install csl[timm]`. Weights bring the `mean` and `std` that timm has for the model, and its
    `crop_pct`, `crop_mode` (but "border") and `interpolation`, by which `Frozen` is given images; for grey images the
    statistics of the three colours are averaged, as timm sums the weights. Some models, most transformers among
    them, insist on an image size (`image_size`); of those, many take others with `options: {dynamic_img_size: true}`.

    Maps are there for convolutional nets and for transformers whose patches form a grid, tokens for transformers;
    leaving patches out (`keep`) takes timm's `VisionTransformer`. Layers are called `model.layer3`, for example.

    Args:
        name: A name that `timm.list_models()` lists, such as `resnet18` or `vit_tiny_patch16_224`.
        pretrained: Whether to load the weights timm has for it, from the net or the local cache. If None, where the
            name has a tag, such as `.lvd142m`, which stands for certain weights, and no file of weights is given.
        in_channels: Channels of an image.
        options: Further arguments of the model, such as `{"img_size": 32, "patch_size": 4}`.
        others: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Raises:
        ValueError: If timm knows no such model, the nearest names are shown; or if pretrained weights are given
            images of neither one nor three channels without a `mean` and `std` for them.
        ModuleNotFoundError: If timm is not installed.

    Example:
        >>> import torch
        >>> Timm("resnet10t")(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 512])
    """

    def __init__(
        self,
        name: str,
        pretrained: bool | None = None,
        in_channels: int = 3,
        options: dict[str, Any] | None = None,
        **others: Unpack[EncoderOptions],
    ) -> None:
        file = others.get("weights")
        if pretrained and file is not None:
            raise ValueError("pretrained: expected false where a file of weights is given, got true")
        pretrained = "." in name and file is None if pretrained is None else pretrained
        model = _create(name, pretrained=pretrained, in_chans=in_channels, num_classes=0, **(options or {}))
        is_trained = pretrained or file is not None
        if is_trained and others.get("mean") is None and others.get("std") is None:
            others |= _statistics(model, in_channels)
        # Some models end in a layer behind `num_features`, which `num_classes=0` leaves in place.
        feature_dim = getattr(model, "head_hidden_size", None) or model.num_features
        size, insists = _image_size(model)
        super().__init__(feature_dim, in_channels, image_size=size if insists else None, **others)
        self.native_size = size if insists or is_trained else None
        self.preparation = _preparation(model) if is_trained else None
        self.prefix_tokens = getattr(model, "num_prefix_tokens", 0)
        self.model, self.is_trained = model, is_trained
        self.complete()

    def translated(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """What timm makes of other projects' weights, or of those for another image size, for this model."""
        convert = getattr(sys.modules[type(self.model).__module__], "checkpoint_filter_fn", None)
        try:
            found: Mapping[str, Any] = convert(dict(weights), self.model) if convert else {}
        except Exception:  # it is written for files of certain projects, and falls over others
            return None
        return {name: value for name, value in found.items() if isinstance(value, Tensor)}

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`."""
        features: Tensor = self.model(images)
        return features

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D, h, w]`: what the model pools."""
        found: Tensor = self.model.forward_features(images)
        if found.ndim == 4:
            return found.permute(0, 3, 1, 2) if self._channels_last else found
        grid = getattr(getattr(self.model, "patch_embed", None), "dynamic_feat_size", None)
        if found.ndim != 3 or grid is None:
            return super().forward_maps(images)
        return on_grid(found[:, self.prefix_tokens :], *grid(images.shape[2:]))

    def forward_tokens(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as tokens `[B, N, D]`; `keep` `[B, M]` as in `tokens`."""
        if keep is None:
            found: Tensor = self.model.forward_features(images)
            return found if found.ndim == 3 else super().forward_tokens(images, keep)
        return self._kept_tokens(images, keep)

    def layer_vectors(self, name: str, output: Tensor) -> Tensor:
        """What is measured of a layer's output, as vectors `[B, D']`."""
        if output.ndim == 4 and self._channels_last:
            return output.mean(dim=(1, 2))
        if output.ndim == 3 and "patch_embed" in name:  # not yet behind a class token
            return output.mean(dim=1)
        return super().layer_vectors(name, output)

    @property
    def _channels_last(self) -> bool:
        return getattr(self.model, "output_fmt", "NCHW") == "NHWC"

    def _kept_tokens(self, images: Tensor, keep: Tensor) -> Tensor:
        """Let the place where the model would drop patches at random, behind the positions, drop those."""
        from timm.models.vision_transformer import VisionTransformer

        if not isinstance(self.model, VisionTransformer):
            return super().forward_tokens(images, keep)

        def select(_module: nn.Module, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
            return kept_patches(inputs[0], keep, self.prefix_tokens)

        handle = self.model.patch_drop.register_forward_hook(select)
        try:
            encoded: Tensor = self.model.forward_features(images)
        finally:
            handle.remove()
        return encoded


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


def _statistics(model: Any, in_channels: int) -> EncoderOptions:
    """What the model's weights were trained with."""
    mean: Sequence[float] = model.pretrained_cfg["mean"]
    std: Sequence[float] = model.pretrained_cfg["std"]
    if in_channels not in (1, len(mean)):
        raise ValueError(
            f"in_channels: expected 1 or {len(mean)}, whose mean and std pretrained weights bring, got {in_channels}; "
            "for other channels, give mean and std"
        )
    return {"mean": mean, "std": std}


def _preparation(model: Any) -> Preparation:
    """How images of evaluation were cut and resized for the model's weights."""
    config = model.pretrained_cfg
    return Preparation(config["crop_pct"], config["interpolation"], config.get("crop_mode") == "squash")


def _image_size(model: Any) -> tuple[int | None, bool]:
    """The size the model is made for, None where that is no square, and whether it insists on it."""
    from timm.models import get_model_input_config

    found = get_model_input_config(model)
    height, width = found["input_size"][-2:]
    return (height if height == width else None), found["fixed_input_size"]
