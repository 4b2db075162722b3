"""What `csl fit` takes with a method where the user names nothing else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NOTHING: Mapping[str, float | str] = MappingProxyType({})


class Usual(NamedTuple):
    """The encoder and the augmentation that suit a method, where they are not those that suit the images.

    Attributes:
        encoder: A class of `csl.encoders`; empty for the one that suits the images.
        options: Options of that encoder, where they are not its defaults.
        augmentation: Strengths of `csl.data.Augmentation`, where they are not those that suit the images.

    Example:
        >>> Usual(encoder="ViT", options={"dropout": 0.0}).augmentation
        mappingproxy({})
    """

    encoder: str = ""
    options: Mapping[str, float | str] = NOTHING
    augmentation: Mapping[str, float | str] = NOTHING
