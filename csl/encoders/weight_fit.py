"""Whether weights are those of the same network, and what makes it the same."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from csl.encoders.weight_names import needed, part_of

if TYPE_CHECKING:
    from csl.encoders.base import Encoder


class Differences(NamedTuple):
    """Names of tensors that a network and weights do not share.

    A part of the network, such as `layer1`, is there whole or not at all; a head that it does not have makes none.

    Attributes:
        missing: Those that the weights lack.
        shapes: Those of another shape.
        lacking: Of the missing ones, those of a part that is there otherwise.
        larger: Those of such a part that the network has no place for.
    """

    missing: list[str]
    shapes: list[str]
    lacking: list[str]
    larger: list[str]

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.missing) + len(self.shapes) + len(self.larger)

    @classmethod
    def between(cls, encoder: "Encoder", own: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> "Differences":
        """Those between an encoder's weights and others, both by their common names."""
        missing = [name for name in needed(own) if name not in there]
        shapes = [name for name in needed(own) if name in there and there[name].shape != own[name].shape]
        parts = {part_of(name) for name in own if name in there}
        more = [name for name in needed(there) if name not in own and part_of(name) in parts]
        return cls(
            missing,
            shapes,
            [name for name in missing if part_of(name) in parts],
            [name for name in more if not is_out(encoder, name)],
        )


def check_same_network(
    encoder: "Encoder", own: Mapping[str, Tensor], there: Mapping[str, Tensor], path: str | Path
) -> None:
    """Check weights before they are loaded.

    Args:
        encoder: Where they are to go.
        own: Its own, by their common names.
        there: The file's, likewise.
        path: The file.

    Raises:
        ValueError: If they are of another network, saying with which arguments the encoder would be the same, or not
            finite.
    """
    kind, count = type(encoder).__name__, len(needed(own))
    missing, shapes, lacking, larger = Differences.between(encoder, own, there)
    fault = ""
    if 2 * len(missing) > count:
        fault = f"those of {kind} ({_some(own)}), got {path}, which holds {count - len(missing)} of its {count} tensors"
        fault = f"{fault} ({_some(there)})"
    elif shapes:
        theirs, ours = (list(tensors[shapes[0]].shape) for tensors in (there, own))
        fault = f"{shapes[0]} of shape {ours} for {kind}, got {theirs} in {path}{_more(shapes)}"
    elif lacking:
        fault = f"{lacking[0]} for {kind}, got none in {path}{_more(lacking)}"
    elif larger:
        fault = f"those of {kind}, got a larger network in {path}: {larger[0]} has no place{_more(larger)}"
    elif bad := [name for name in own if name in there and not there[name].isfinite().all()]:
        fault = f"finite numbers, got NaN or infinity in {bad[0]} of {path}{_more(bad)}"
    if fault:
        raise ValueError(f"weights: expected {fault}{_what_fits(encoder, own, there)}")


def check_places(encoder: "Encoder", own: Iterable[str], numbers: Sequence[int]) -> None:
    """Check that numbered parts leave room for those without weights that the network has between them.

    `nn.Sequential(*model.children())` loses what `model.forward` does itself, such as the first ReLU of lightly's small
    ResNet: the same weights, another network.

    Raises:
        ValueError: If the file's network did without one of them.
    """
    model = getattr(encoder, "model", encoder)
    names, parts = list(model._modules), list(dict.fromkeys(map(part_of, own)))
    for (before, after), (low, high) in zip(pairwise(parts), pairwise(numbers), strict=False):
        between = names[names.index(before) + 1 : names.index(after)] if {before, after} <= {*names} else []
        lost = [name for name in between if not isinstance(model._modules[name], nn.Identity)]
        if lost and high - low == 1:
            raise ValueError(
                f"weights: expected a network with {lost[0]} between {before} and {after}, got one without, where they "
                f"have the numbers {low} and {high}; such a network can be measured as a Backbone of its own module"
            )


def is_out(encoder: "Encoder", name: str) -> bool:
    """Whether a tensor belongs to what was taken out of the network, such as a classifier."""
    module: nn.Module | None = getattr(encoder, "model", encoder)
    for part in name.split(".")[:-1]:
        module = None if module is None else module._modules.get(part)
        if isinstance(module, nn.Identity):
            return True
    return False


def _what_fits(encoder: "Encoder", own: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> str:
    """The arguments with which the encoder would fit the file, as far as they can be read off shapes."""
    ours, theirs = encoder.sizes(own), encoder.sizes(there)
    other = [f"{name}: {size}" for name, size in theirs.items() if ours.get(name) != size]
    return f". The file's network has {', '.join(other)}; give the encoder the same" if other else ""


def _some(names: Iterable[str]) -> str:
    some = needed(names)
    return ", ".join(some[:2]) + (", …" if len(some) > 2 else "") if some else "nothing"


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more like it" if len(names) > 1 else ""
