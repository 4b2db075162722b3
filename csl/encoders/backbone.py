"""Any module of torch as an encoder."""

from collections.abc import Iterator
from typing import Unpack

from torch import Tensor, nn

from csl.encoders.base import WITH_MAPS, Encoder, EncoderOptions
from csl.encoders.found import features_of, found_form, without_classifier
from csl.encoders.network import Network


class Backbone(Encoder):
    """A plain `torch.nn.Module` as an encoder: one of torchvision's, or one of your own.

    The module is given images `[B, C, H, W]` and gives features `[B, D]`, or maps `[B, D, h, w]`, which are averaged
    over positions. How long features are is found by passing black images through it once, in eval mode, with which
    nothing in it changes. A model of torchvision loses its classifier, so that `resnet18` gives 512 features and not
    1,000 classes; the auxiliary ones of `googlenet` and `inception_v3` go with it. A module of your own is taken as it
    is; where it gives a named tuple, features are the first of it. Layers are called `model.layer3`, for example.

    Where only an argument of the module needs to be said, there is no need for this class: a method takes the module
    itself, `SimCLR(torchvision.models.resnet18())`, or `encoder: {class_path: my_file.MyNet}` in YAML.

    Args:
        model: The module; it is used as it is, not copied.
        classifier: Name of the submodule to be taken out, `fc` or `classifier.6` for example. None takes out the whole
            head of torchvision's models, and nothing of others'.
        in_channels: Channels of an image. Where not given, or where the module does not take so many, those of its
            first convolution, or else 3; data with other channels are turned into what the encoder takes.
        image_size: Height and width of the black images, in pixels; 32 or, if that does not work, 224 if not given.
            Where the module takes no others or gives other features for them, it is the only size it takes.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`. Give `mean` and `std` with weights that
            are trained already.

    Raises:
        ValueError: If the module cannot encode black images, or gives something else than features or maps.

    Example:
        >>> import torch
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU())
        >>> backbone = Backbone(net)
        >>> backbone.in_channels, backbone.feature_dim, backbone.image_size
        (1, 6, None)
        >>> backbone(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 6])
    """

    def __init__(
        self,
        model: Network,
        classifier: str | None = None,
        in_channels: int | None = None,
        image_size: int | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        if isinstance(model, Encoder):
            raise ValueError(f"model: expected a plain torch.nn.Module, got {type(model).__name__}, an encoder already")
        without_classifier(model, classifier)
        form = found_form(model, in_channels, image_size)
        super().__init__(form.feature_dim, form.in_channels, image_size=form.image_size, **options)
        self.gives_maps = form.gives_maps
        self.model = model
        self.complete()

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`."""
        found: Tensor = features_of(self.model(images))
        return found.mean(dim=(2, 3)) if self.gives_maps else found

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D, h, w]`, where the module gives them."""
        if not self.gives_maps:
            name = type(self.model).__name__
            raise ValueError(f"encoder: expected one with maps, such as {WITH_MAPS}, got {name}, which gives features")
        maps: Tensor = features_of(self.model(images))
        return maps


def outermost(module: nn.Module) -> Iterator[Encoder]:
    """The encoders in a module, without those inside another encoder.

    Example:
        >>> from csl.encoders import ConvNet
        >>> [type(part).__name__ for part in outermost(nn.Sequential(Backbone(ConvNet(width=2).layers), nn.ReLU()))]
        ['Backbone']
    """
    for part in module.children():
        if isinstance(part, Encoder):
            yield part
        else:
            yield from outermost(part)


def as_encoder(network: nn.Module, **options: Unpack[EncoderOptions]) -> Encoder:
    """An encoder as it is, or any other module as a `Backbone`; the layers to be measured are checked.

    Args:
        network: An `Encoder`, or a module that turns images into features.
        options: `mean`, `std`, `layers` and `weights` for a plain module.

    Raises:
        ValueError: If it is neither, or does not do that.

    Example:
        >>> as_encoder(nn.Sequential(nn.Flatten(), nn.LazyLinear(8))).feature_dim
        8
        >>> as_encoder("resnet18")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: encoder: expected an Encoder, or a torch.nn.Module that turns images into features, got str...
    """
    if isinstance(network, Encoder):
        network.complete()
        return network
    if isinstance(network, nn.Module):
        return Backbone(network, **options)
    raise ValueError(
        "encoder: expected an Encoder, or a torch.nn.Module that turns images into features, "
        f"got {type(network).__name__}; csl fit makes one where the method's constructor says that it takes one: "
        "encoder: csl.encoders.Network"
    )
