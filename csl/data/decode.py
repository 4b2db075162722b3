"""From an image file of any common kind to 8-bit pixels of one size."""

import io
import os
import warnings
from functools import cache

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from csl.data.preparation import resized_shape
from csl.types import Preparation

# Kinds of files that are read, and no others: some of Pillow's decoders start other programs (EPS) or are mere stubs.
_KINDS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF
# The limit at which Pillow starts to warn; it refuses by itself only at twice that.
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485

# Thousands of photographs with a flaw in their EXIF block are no news: the pictures are read all the same.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(TiffImagePlugin|Image|ImageFile)$")


def decode(
    file: str | bytes, name: str, size: int, num_channels: int = 3, preparation: Preparation | None = None
) -> Tensor:
    """Decode an image, cut its central square and resize that (bilinear, antialiased): uint8 `[C, size, size]`.

    With a `preparation`, the image is resized first, whole and by its interpolation, and the square is cut out of that,
    as torchvision's `Resize` and `CenterCrop` do it.

    A photograph is turned upright as its EXIF tag says, if that can be read. An animation gives its first frame.
    Palettes, CMYK, YCbCr and Lab become RGB, and transparency is laid over white. White is 65,535 in a file of 16 bits.
    A TIFF file of 32-bit integers does not say what white is: 255 if no value in it is larger, else 65,535.
    Floating-point numbers and values outside 0 to 65,535 have no such limit and are refused.

    Args:
        file: A path, or the encoded bytes.
        name: What an error message calls the image.
        size: Height and width of the result, in pixels.
        num_channels: 3 for RGB, 1 for grey.
        preparation: How to resize and cut.

    Raises:
        ValueError: If the image cannot be decoded, or has more than `MAX_PIXELS` pixels; names it and says why.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("P", (40, 30)).save(buffer, "PNG")
        >>> decode(buffer.getvalue(), "a palette", 8).shape
        torch.Size([3, 8, 8])
    """
    try:
        with _opened(file) as image:
            pixels = np.array(_small_square(image, size, "RGB" if num_channels == 3 else "L", preparation))
    except Exception as error:  # Pillow's decoders raise anything from OSError to IndexError on damaged files.
        reason = str(error) or type(error).__name__
        raise ValueError(f"cannot decode image {name}: {reason}; repair or remove it") from error
    return torch.from_numpy(pixels).reshape(size, size, num_channels).permute(2, 0, 1)


def native_size(file: str | bytes, name: str) -> int:
    """The shorter side of an image in pixels, read from its header.

    Raises:
        ValueError: If it is no image, or too large; names it and says why.
    """
    try:
        with _opened(file) as image:
            _refuse_bomb(image)
            return int(min(image.size))
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"cannot decode image {name}: {reason}; repair or remove it") from error


def is_image(path: str) -> bool:
    """Whether a file is an image by the end of its name, or else by the header that it begins with.

    Example:
        >>> is_image("photo.JFIF"), is_image("missing.txt")
        (True, False)
    """
    if os.path.splitext(path)[1].lower() in extensions():
        return True
    try:
        with _opened(path):
            return True
    except Exception:
        return False


@cache
def extensions() -> frozenset[str]:
    """How the names of image files end, in lower case."""
    return frozenset(end for end, kind in Image.registered_extensions().items() if kind in _kinds()) | {".mpo"}


@cache
def _kinds() -> tuple[str, ...]:
    Image.init()
    return tuple(kind for kind in _KINDS if kind in Image.OPEN)


def _opened(file: str | bytes) -> Image.Image:
    return Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=_kinds())


def _refuse_bomb(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}: a decompression bomb?")


def _small_square(image: Image.Image, size: int, mode: str, preparation: Preparation | None) -> Image.Image:
    _refuse_bomb(image)
    if preparation is None:
        image.draft(None, (size, size))  # JPEG: decodes at the smallest scale that still covers the size
    image.load()
    turn = _UPRIGHT.get(_orientation(image))  # after loading: Pillow has turned a TIFF image then, and says so
    flat = _to_8_bit(image, mode)
    if preparation is not None:
        flat = _as_prepared(flat, size, preparation)
    elif flat.size != (size, size):
        flat = _central_square(flat, size)
    return flat if turn is None else flat.transpose(turn)


def _central_square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return image.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))


def _as_prepared(image: Image.Image, size: int, preparation: Preparation) -> Image.Image:
    width, height = resized_shape(image.width, image.height, size, preparation)
    resized = image.resize((width, height), Image.Resampling[preparation.interpolation.upper()])
    left, top = round((width - size) / 2), round((height - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def _orientation(image: Image.Image) -> int:
    """What the EXIF tag says; 1, which is upright, if there is none or it cannot be read.

    Pillow's `exif_transpose` writes the whole block anew, and fails where any other tag in it is wrong.
    """
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged block raises anything
        return 1


def _to_8_bit(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode and not image.has_transparency_data:
        return image
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers without a known range; save it with 8 or 16 bits")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(_scale_integers(image)).convert(mode)
    if image.mode == "LAB":
        return image.convert("RGB").convert(mode)  # to grey there is no other way
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        canvas = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(canvas, opaque).convert(mode)
    return image.convert(mode)


def _scale_integers(image: Image.Image) -> np.ndarray:
    """16-bit levels as 8-bit ones; 32-bit numbers as what their largest says that they are."""
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ValueError(f"its pixels run from {values.min()} to {values.max()}, beyond 16 bits")
    tags = getattr(image, "tag_v2", {})  # a TIFF file's
    is_8_bit = tags.get(_BITS, (16,))[0] == 32 and values.max() <= 255
    levels = (values.astype(np.float32) / (1 if is_8_bit else 257)).round().astype(np.uint8)
    return 255 - levels if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else levels
