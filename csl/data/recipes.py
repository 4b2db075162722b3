"""Strengths of augmentation that suit images of a size."""

from dataclasses import dataclass, replace

Range = tuple[float, float]


@dataclass(frozen=True)
class Recipe:
    """Every strength of `Augmentation`, resolved; its documentation says what each one means."""

    image_size: int
    crop_area: Range = (1.0, 1.0)
    crop_ratio: Range = (3 / 4, 4 / 3)
    flip_probability: float = 0.0
    rotation: float = 0.0
    translation: float = 0.0
    scale: Range = (1.0, 1.0)
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    jitter_probability: float = 0.8
    gray_probability: float = 0.0
    blur_probability: float = 0.0
    blur_sigma: Range = (0.1, 2.0)
    solarize_probability: float = 0.0
    erase_probability: float = 0.0
    erase_area: Range = (0.05, 0.2)


def recipe_for(image_size: int, mirror: bool = True) -> Recipe:
    """The recipe for images of a size: `tiny` up to 16 pixels, `small` up to 112, `large` above.

    Args:
        image_size: Height and width in pixels.
        mirror: Whether a mirrored image still shows the same class; without it there is no flip.

    Raises:
        ValueError: If the size is not positive.

    Example:
        >>> recipe_for(32).flip_probability, recipe_for(28, mirror=False).flip_probability
        (0.5, 0.0)
    """
    if image_size < 1:
        raise ValueError(f"image_size: expected a positive number of pixels, got {image_size}")
    make = tiny if image_size <= 16 else small if image_size <= 112 else large
    recipe = make(image_size)
    return recipe if mirror else replace(recipe, flip_probability=0.0)


def tiny(image_size: int = 8) -> Recipe:
    """For images of a few pixels such as 8×8 digits: slants and shifts, no crops and no mirrors."""
    return Recipe(
        image_size=image_size,
        crop_ratio=(1.0, 1.0),
        rotation=20.0,
        translation=0.15,
        scale=(0.75, 1.25),
        shear=20.0,
        brightness=0.4,
        contrast=0.4,
        erase_probability=0.5,
        erase_area=(0.05, 0.2),
    )


def small(image_size: int = 32) -> Recipe:
    """For images such as CIFAR-10's: SimCLR's without blur (2020, arXiv 2002.05709, appendix B.9).

    But for the jitter, which is BYOL's (2020, arXiv 2006.07733, appendix B): SimCLR's at half strength has the same
    brightness and contrast, a saturation of 0.4 and a hue of 0.1.
    """
    return Recipe(
        image_size=image_size,
        crop_area=(0.08, 1.0),
        flip_probability=0.5,
        brightness=0.4,
        contrast=0.4,
        saturation=0.2,
        hue=0.1,
        gray_probability=0.2,
    )


def large(image_size: int = 224) -> Recipe:
    """For photographs such as ImageNet's: BYOL's (2020, arXiv 2006.07733, appendix B), with SimCLR's blur."""
    return replace(small(image_size), blur_probability=0.5)
