"""Any vision model of the transformers library as an encoder."""

from collections.abc import Mapping
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from csl.encoders.base import Encoder, EncoderOptions
from csl.encoders.found import Form, found_form
from csl.encoders.image_processor import Processing, processing_of
from csl.encoders.positions import on_grid
from csl.encoders.transformers_model import (
    Pooling,
    built,
    configuration,
    library,
    output_of,
    patch_grid,
    pooled,
    prefix_tokens,
    quiet,
    square,
)


class HuggingFace(Encoder):
    """A vision model of Hugging Face's transformers without its head; of CLIP and its like, the half that sees.

    Needs the extra: `pip install csl[transformers]`. With weights, `mean`, `std`, size, crop and interpolation are
    those of the image processor that lies beside them; `Frozen` is given images so. Layers are called
    `model.layers.3`, for example. Images have as many channels as the model takes, mostly three.

    Features are the model's own pooled output, but not where that comes from a dense layer behind the class token (ViT,
    DeiT): few files have weights for it, and without them it is random. The class token is taken then, and the mean
    over positions where there is none.

    Args:
        name: A folder that `save_pretrained` wrote, a name on the Hub such as `facebook/dinov2-base`, or a type of
            model such as `vit`, which has no weights of its own.
        pretrained: Whether to load the weights that are in the folder or on the Hub; if None, where there are any and
            no file of weights is given.
        pooling: "pooler" for the model's pooled output, "cls" for its class token, "mean" for the mean over positions.
        options: Arguments of the model's configuration, such as `{"image_size": 32, "patch_size": 4}`.
        others: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Raises:
        ValueError: If there is no such model, the nearest types are shown; if it does not see images, or cannot be
            pooled in the way that is asked for.
        ModuleNotFoundError: If transformers is not installed.

    Example:
        >>> import torch
        >>> options = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1]}
        >>> resnet = HuggingFace("resnet", options=options)  # doctest: +SKIP
        >>> resnet(torch.zeros(2, 3, 32, 32)).shape  # doctest: +SKIP
        torch.Size([2, 8])
    """

    def __init__(
        self,
        name: str,
        pretrained: bool | None = None,
        pooling: Pooling | None = None,
        options: dict[str, Any] | None = None,
        **others: Unpack[EncoderOptions],
    ) -> None:
        file = others.get("weights")
        if pretrained and file is not None:
            raise ValueError("pretrained: expected false where a file of weights is given, got true")
        config, is_type = configuration(name, options or {})
        if pretrained and is_type:
            raise ValueError(f"pretrained: expected false for {name}, a type of model, which has no weights; got true")
        pretrained = not is_type and file is None if pretrained is None else pretrained
        model = built(config, name if pretrained else None, pooling)
        way = None if is_type or not (pretrained or file) else _processing(name)
        if way is not None and others.get("mean") is None and others.get("std") is None:
            others |= {"mean": way.mean, "std": way.std}
        size = way.size if way else square(getattr(config, "image_size", None))
        form, prefix = _form(model, pooling, size)
        super().__init__(form.feature_dim, form.in_channels, image_size=form.image_size, **others)
        self.native_size = size if way or form.image_size else None
        self.preparation, self.flips_channels = (way.preparation, way.flips_channels) if way else (None, False)
        self.model, self.pooling, self.is_trained = model, pooling, bool(pretrained or file)
        self.prefix_tokens = prefix
        self.complete()

    def translated(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """What transformers makes of the names in files, which need not be those of the models that it builds."""
        with quiet():
            try:
                found, info = type(self.model).from_pretrained(
                    None,
                    config=self.model.config,
                    state_dict=dict(weights),
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                )
            except Exception:  # it is written for its own files, and falls over others
                return None
        # What does not fit is told by its shape, and what has no place by its name.
        base = f"{found.base_model_prefix}."
        state = {name: value for name, value in found.state_dict().items() if name not in info["missing_keys"]}
        more = {name.removeprefix(base): torch.empty(0) for name in info["unexpected_keys"]}
        return more | state | {name: torch.empty(theirs) for name, theirs, _ in info["mismatched_keys"]}

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`."""
        return pooled(self._output(images), self.pooling, self.prefix_tokens)

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D, h, w]`: the last ones, or the patches' tokens."""
        found = self._output(images)["last_hidden_state"]
        if found.ndim == 4:
            return found
        grid = patch_grid(self.model.config, images)
        if grid[0] * grid[1] != found.shape[1] - self.prefix_tokens:
            return super().forward_maps(images)
        return on_grid(found[:, self.prefix_tokens :], *grid)

    def forward_tokens(self, images: Tensor, keep: Tensor | None) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as tokens `[B, N, D]`; `keep` is not for these models."""
        found = self._output(images)["last_hidden_state"]
        return found if found.ndim == 3 and keep is None else super().forward_tokens(images, keep)

    def _output(self, images: Tensor) -> Mapping[str, Tensor]:
        return output_of(self.model, images.flip(1) if self.flips_channels else images)


class _Pooled(nn.Module):
    """A model that gives features, to find out how long they are and which images it takes."""

    def __init__(self, model: nn.Module, pooling: Pooling | None) -> None:
        super().__init__()
        self.model, self.pooling, self.prefix = model, pooling, 0

    def forward(self, images: Tensor) -> Tensor:
        output = output_of(self.model, images)
        self.prefix = prefix_tokens(output, self.model.config, images)
        return pooled(output, self.pooling, self.prefix)


def _form(model: nn.Module, pooling: Pooling | None, size: int | None) -> tuple[Form, int]:
    """What a model makes of black images, and how many tokens come before those of patches."""
    probe = _Pooled(model, pooling)
    try:
        return found_form(probe, image_size=size), probe.prefix
    except ValueError as error:
        raise ValueError(f"name: expected a model that encodes images, got {type(model).__name__} ({error})") from error


def _processing(name: str) -> Processing | None:
    """What is done to images for the weights in a folder or on the Hub; None where nothing is said of it."""
    with quiet():
        try:
            processor = library().AutoImageProcessor.from_pretrained(name)
        except (OSError, ValueError):  # there is no such file, or it is not of a kind that transformers knows
            return None
    return processing_of(processor)
