"""What every encoder is: a module that says what goes in and what comes out, and is held to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

import torch
from torch import Tensor

from csl.checks import check_positive
from csl.encoders.form import check_images, check_size, checked
from csl.encoders.layers import FEATURES, check_layers, recorded
from csl.encoders.weights import load_weights
from csl.encoders.window import Window
from csl.types import Preparation

WITH_MAPS = "ConvNet, ResNet, ViT or most models of Timm"
WITH_TOKENS = "ViT or a vision transformer of Timm"


class EncoderOptions(TypedDict, total=False):
    """What every encoder can be told; `Encoder` says more.

    Args:
        mean: Mean of each channel of the images in [0, 1] that the weights were trained with; those of the first
            source that comes, if not given.
        std: Standard deviation of each channel, likewise.
        layers: Names of submodules whose output is measured beside the features.
        weights: A file with weights to start from, of any project: `.safetensors`, or what `torch.save` wrote.
    """

    mean: Sequence[float] | None
    std: Sequence[float] | None
    layers: Sequence[str]
    weights: str | None


class Encoder(Window):
    """Base of all encoders: images `[B, C, H, W]` in [0, 1] become features `[B, D]`.

    A subclass implements `forward`, which is given images that are checked and normalised by the encoder's `mean` and
    `std`, see `Window`. It may implement `forward_maps` and `forward_tokens`, too. Every call checks what comes out.

    Args:
        feature_dim: Length of a feature vector, D.
        in_channels: Channels of an image, C: 3 for colour, 1 for grey.
        mean: Mean of each channel of the images that the weights were trained with; those of the first source that
            comes, if not given.
        std: Standard deviation of each channel, likewise.
        image_size: Height and width that images must have, in pixels; None where any will do.
        layers: Names of submodules whose output is measured beside the features, see `outputs`.
        weights: A file with weights to start from, see `csl.encoders.load_weights`. A subclass calls `complete` when
            it has built its layers.

    Attributes:
        feature_dim: D.
        in_channels: C.
        image_size: The only height and width of images that the encoder takes; None where it takes others.
        native_size: Height and width that it was made for, whether it takes others or not; None if for none.
        smallest_size: The smallest height and width that it takes, in pixels.
        preparation: How images are to be cut and resized where it is measured as it is, see `csl.methods.Frozen`; None
            if nothing is known.
        layer_names: The layers to be measured, in order.
        is_trained: Whether its weights come from a file, or are a library's pretrained ones.
        prefix_tokens: How many tokens, such as a class token, come before those of the patches.
        local_layers: Names of layers whose maps see parts of an image, from larger parts to smaller ones; empty where
            the encoder names none.

    Raises:
        ValueError: If an argument cannot be, images are not float `[B, C, H, W]` of a size that the encoder takes, or
            `forward` returns anything but `[B, D]`.

    Example:
        >>> import torch
        >>> class Mean(Encoder):
        ...     def forward(self, images):
        ...         return images.mean(dim=(2, 3))
        >>> Mean(feature_dim=3)(torch.zeros(4, 3, 8, 8)).shape
        torch.Size([4, 3])
    """

    local_layers: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        feature_dim: int,
        in_channels: int = 3,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        image_size: int | None = None,
        layers: Sequence[str] = (),
        weights: str | None = None,
    ) -> None:
        check_positive(
            feature_dim=feature_dim, in_channels=in_channels, image_size=1 if image_size is None else image_size
        )
        super().__init__(in_channels, mean, std)
        self.feature_dim = feature_dim
        self.in_channels = in_channels
        self.image_size = self.native_size = image_size
        self.smallest_size = 1
        self.preparation: Preparation | None = None
        self.layer_names = tuple(dict.fromkeys(layers))
        self.is_trained = False
        self._weights = weights
        self.prefix_tokens = 0

    def __call__(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` in [0, 1] as features `[B, D]`."""
        features = super().__call__(self._let_in(images))
        return self._checked(features, images, "forward", "features", self.feature_dim)

    def maps(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` in [0, 1] as maps `[B, D', h, w]`: features by position.

        Raises:
            ValueError: If the encoder has none.

        Example:
            >>> import torch
            >>> from csl.encoders import ConvNet
            >>> ConvNet(width=4).maps(torch.zeros(2, 3, 8, 8)).shape
            torch.Size([2, 32, 2, 2])
        """
        maps = self.forward_maps(self._let_in(images))
        return self._checked(maps, images, "forward_maps", "maps", "D", "h", "w")

    def tokens(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        """Encode images `[B, C, H, W]` in [0, 1] as tokens `[B, N, D']`: first `prefix_tokens`, then one per patch.

        Patches are counted row by row. Those that are left out are not encoded at all, as masked image modelling
        wants it (MAE, 2021, arXiv 2111.06377); those that are kept know their positions.

        Args:
            images: Images in [0, 1].
            keep: Positions of the patches to be encoded, int64 `[B, M]` from 0, in the order in which they are to
                come out; all if None.

        Raises:
            ValueError: If the encoder has none, or cannot leave patches out.

        Example:
            >>> import torch
            >>> from csl.encoders import ViT
            >>> vit = ViT(image_size=8, patch_size=4, depth=1, heads=2, width=16, mlp_width=16)
            >>> vit.tokens(torch.zeros(2, 3, 8, 8)).shape, vit.prefix_tokens
            (torch.Size([2, 5, 16]), 1)
            >>> vit.tokens(torch.zeros(2, 3, 8, 8), keep=torch.tensor([[0, 3], [1, 2]])).shape
            torch.Size([2, 3, 16])
        """
        if keep is not None and keep.dtype != torch.int64:
            raise ValueError(f"keep: expected positions of patches, torch.int64, got {keep.dtype}")
        if keep is not None:
            checked(keep, (len(images), "M"), "keep", "positions")
        tokens = self.forward_tokens(self._let_in(images), keep)
        return self._checked(tokens, images, "forward_tokens", "tokens", "N", "D")

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """Features and what the chosen layers give, from one pass: "encoder" `[B, D]`, then each layer `[B, D']`.

        Maps `[B, D', h, w]` are averaged over positions, tokens `[B, N, D']` over those of patches. Where there are
        layers, the pass is not a compiled one.

        Raises:
            ValueError: If a layer was not called in the pass, or gives something else.

        Example:
            >>> import torch
            >>> from csl.encoders import ResNet
            >>> resnet = ResNet(depth=10, width=4, layers=["layer3", "layer4"])
            >>> {name: list(values.shape) for name, values in resnet.outputs(torch.zeros(2, 3, 8, 8)).items()}
            {'encoder': [2, 32], 'layer3': [2, 16], 'layer4': [2, 32]}
        """
        if not self.layer_names:
            return {FEATURES: self(images)}
        features, found = self._recorded(images, self.layer_names, self.layer_vectors)
        vectors = {
            name: self._checked(found[name], images, name, "one vector per image", "D") for name in self.layer_names
        }
        return {FEATURES: features} | vectors

    def features_and_maps(self, images: Tensor, layers: Sequence[str]) -> tuple[Tensor, list[Tensor]]:
        """Features `[B, D]`, and the maps `[B, D', h, w]` of each of the layers, from one pass, not a compiled one.

        For methods that compare an image with its parts.

        Raises:
            ValueError: If there is no such layer, it was not called in the pass, or it gives no maps.

        Example:
            >>> import torch
            >>> from csl.encoders import ResNet
            >>> features, maps = ResNet(depth=10, width=4).features_and_maps(torch.zeros(2, 3, 8, 8), ["layer3"])
            >>> features.shape, maps[0].shape
            (torch.Size([2, 32]), torch.Size([2, 16, 2, 2]))
        """
        check_layers(self, layers)
        features, found = self._recorded(images, layers, lambda _name, output: output.clone())
        return features, [self._checked(found[name], images, name, "maps", "D", "h", "w") for name in layers]

    def complete(self) -> None:
        """Check the names of layers and load the weights, when all layers are there; a second call does nothing more.

        Raises:
            ValueError: If there is no submodule of a name in `layer_names`, or the weights are not of such a network.

        Example:
            >>> Encoder(3, layers=["layer3"]).complete()
            Traceback (most recent call last):
            ...
            ValueError: layers: expected names of submodules of Encoder, got 'layer3'; it has none
        """
        check_layers(self, self.layer_names)
        path, self._weights = self._weights, None
        if path is not None:
            load_weights(self, path)

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """The arguments that can be read off a network's weights, to say which would make a file fit.

        Args:
            weights: Tensors by their common names, see `csl.encoders.weight_names.common_name`.

        Example:
            >>> import torch
            >>> Encoder(3).sizes({"conv1.weight": torch.empty(8, 1, 3, 3)})
            {'in_channels': 1}
        """
        first = next((tensor for tensor in weights.values() if tensor.ndim == 4), None)
        return {} if first is None else {"in_channels": first.shape[1]}

    def translated(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Weights that others named or shaped differently as those of this network; None where nothing can be done.

        Args:
            weights: What the file holds behind some prefix.
        """
        return None

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`; to be implemented by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} does not implement forward(images)")

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D', h, w]`; implemented where there are any."""
        raise ValueError(f"encoder: expected one with maps, such as {WITH_MAPS}, got {type(self).__name__}")

    def forward_tokens(self, images: Tensor, keep: Tensor | None) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as tokens `[B, N, D']`; implemented where there are any."""
        raise ValueError(f"encoder: expected one with tokens, such as {WITH_TOKENS}, got {type(self).__name__}")

    def layer_vectors(self, name: str, output: Tensor) -> Tensor:
        """What is measured of a layer's output, as vectors `[B, D']`; to be overridden where it is laid out otherwise.

        Args:
            name: The layer's name.
            output: Vectors `[B, D']`, tokens `[B, N, D']` or maps `[B, D', h, w]`.

        Example:
            >>> import torch
            >>> Encoder(feature_dim=3).layer_vectors("layer4", torch.ones(2, 5, 4, 4)).shape
            torch.Size([2, 5])
        """
        if output.ndim == 2:
            return output.clone()
        return output[:, self.prefix_tokens :].mean(dim=1) if output.ndim == 3 else output.mean(dim=(2, 3))

    def _recorded(
        self, images: Tensor, layers: Sequence[str], turned: Callable[[str, Tensor], Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Features, and what layers give, turned into what is wanted of it, by name."""
        with recorded(self, layers, len(images), turned) as found:
            features = self.forward(self._let_in(images))
        return self._checked(features, images, "forward", "features", self.feature_dim), found

    def _let_in(self, images: Tensor) -> Tensor:
        """The door: images that the encoder takes, normalised."""
        name = type(self).__name__
        check_images(images, self.in_channels, name)
        check_size(images, self.image_size, self.smallest_size, name)
        return self.normalized(images)

    def _checked(self, output: Any, images: Tensor, hook: str, kind: str, *shape: int | str) -> Tensor:
        return checked(output, (len(images), *shape), f"{type(self).__name__}.{hook}", kind)
