"""What a plain module is like as an encoder, found by trying it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from csl.randomness import seeded

USUAL_SIZES = (32, 224)
HEADS = ("fc", "classifier", "head", "heads")  # what torchvision calls its classifiers
AUXILIARY = ("aux1", "aux2", "AuxLogits")  # and the further ones of googlenet and inception_v3
WHAT_IT_MUST_DO = "an encoder turns images [B, C, H, W] into features [B, D] or maps [B, D, h, w]"


class Form(NamedTuple):
    """What a module gives.

    Attributes:
        in_channels: Channels of the images that it takes.
        feature_dim: Length of a feature vector, or number of maps.
        gives_maps: Whether it gives maps `[B, D, h, w]` instead of features `[B, D]`.
        image_size: The only height and width of images it takes; None where it takes others.
    """

    in_channels: int
    feature_dim: int
    gives_maps: bool
    image_size: int | None


def found_form(model: nn.Module, in_channels: int | None = None, image_size: int | None = None) -> Form:
    """What a module makes of black images.

    Args:
        model: The module; nothing in it changes, but that lazy layers get their sizes.
        in_channels: Channels of the images; if None, or if it does not take so many, those of its first convolution.
        image_size: Height and width of the images, in pixels; if None, usual ones are tried.

    Raises:
        ValueError: If it cannot encode them, or gives something else than features or maps.

    Example:
        >>> found_form(nn.Conv2d(1, 8, 3))
        Form(in_channels=1, feature_dim=8, gives_maps=True, image_size=None)
    """
    with _at_rest(model):
        channels, size, output = _first_output(model, _forms(model, in_channels, image_size))
        if not isinstance(output, Tensor) or output.ndim not in (2, 4) or len(output) != 2:
            got = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(
                f"encoder: {WHAT_IT_MUST_DO}; {type(model).__name__} turned [2, {channels}, {size}, {size}] into {got}"
            )
        takes_others = _takes(model, channels, size + 32 if size < 128 else size - 32, output)
    return Form(channels, output.shape[1], output.ndim == 4, None if takes_others else size)


def found_channels(model: nn.Module) -> int:
    """The channels that a module's first convolution takes; 3 if it has none.

    Example:
        >>> found_channels(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3)))
        1
    """
    convolutions = (part for part in model.modules() if isinstance(part, nn.Conv2d))
    first = next(convolutions, None)
    return 3 if first is None or not first.in_channels else first.in_channels


def without_classifier(model: nn.Module, classifier: str | None) -> None:
    """Replace a submodule by one that does nothing; without a name, the head of a model of torchvision.

    Auxiliary classifiers of torchvision's models, which only training with labels uses, go with it.

    Raises:
        ValueError: If there is no such submodule.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
        >>> without_classifier(net, "1")
        >>> net[1]
        Identity()
    """
    is_torchvisions = type(model).__module__.startswith("torchvision.models.")
    if is_torchvisions and getattr(model, "aux_logits", False):
        for name, nothing in {"aux_logits": False, **dict.fromkeys(AUXILIARY)}.items():
            setattr(model, name, nothing)
    if classifier is None:
        classifier = next((name for name in HEADS if is_torchvisions and hasattr(model, name)), None)
    if classifier is None:
        return
    try:
        model.get_submodule(classifier)
    except AttributeError:
        names = ", ".join(name for name, _ in model.named_children())
        raise ValueError(
            f"classifier: expected the name of a submodule of {type(model).__name__}, such as {names}, "
            f"got {classifier!r}"
        ) from None
    parent, _, name = classifier.rpartition(".")
    setattr(model.get_submodule(parent), name, nn.Identity())


def features_of(output: Any) -> Any:
    """What a module gives, without the auxiliary outputs that some of torchvision's give beside it in training.

    Example:
        >>> from torchvision.models import GoogLeNetOutputs
        >>> features_of(GoogLeNetOutputs(torch.ones(2), None, None))
        tensor([1., 1.])
    """
    return output[0] if isinstance(output, tuple) and hasattr(output, "_fields") else output


def _forms(model: nn.Module, in_channels: int | None, image_size: int | None) -> list[tuple[int, int]]:
    """Channels and sizes of images that a module may take, the likeliest first."""
    own = found_channels(model)
    sizes = USUAL_SIZES if image_size is None else (image_size,)
    return [(channels, size) for channels in dict.fromkeys((in_channels or own, own)) for size in sizes]


def _first_output(model: nn.Module, forms: list[tuple[int, int]]) -> tuple[int, int, Any]:
    """The first channels and size of images that the module takes, and what it makes of them."""
    errors = []
    for channels, size in forms:
        try:
            return channels, size, features_of(model(_black(model, channels, size)))
        except Exception as error:
            errors.append(f"[2, {channels}, {size}, {size}]: {error}")
    raise ValueError(
        f"encoder: {WHAT_IT_MUST_DO}; {type(model).__name__} failed with images {'; '.join(errors)}. "
        "If it takes others, wrap it: Backbone(model, in_channels=…, image_size=…)"
    )


def _takes(model: nn.Module, channels: int, size: int, like: Tensor) -> bool:
    """Whether the module takes images of another size, too, and gives as many features for them."""
    try:
        output = features_of(model(_black(model, channels, size)))
    except Exception:
        return False
    return isinstance(output, Tensor) and output.ndim == like.ndim and output.shape[1] == like.shape[1]


def _black(model: nn.Module, channels: int, size: int) -> Tensor:
    weight = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    return torch.zeros(2, channels, size, size, dtype=weight.dtype, device=weight.device)


@contextmanager
def _at_rest(model: nn.Module) -> Iterator[None]:
    """Within the block the module is in eval mode, and draws random numbers that nobody misses."""
    was_training = [part for part in model.modules() if part.training]
    model.eval()
    try:
        with torch.no_grad(), seeded(0, "black images"):
            yield
    finally:
        for part in was_training:
            part.training = True
