"""From an image file of any common kind to 8-bit pixels of one size."""

import io
import os
import warnings
from functools import cache
from typing import TypeAlias

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

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
LONGEST = 2  # times the shorter side, the longer side of an image that is decoded whole
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF
# The limit at which Pillow starts to warn; it refuses by itself only at twice that.
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485

# Thousands of photographs with a flaw in their EXIF block are no news: the pictures are read all the same.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(TiffImagePlugin|Image|ImageFile)$")


ImageFile: TypeAlias = str | bytes | Image.Image


def decode(file: ImageFile, name: str, size: int, num_channels: int = 3) -> Tensor:
    """Decode an image, cut its central square and resize that (bilinear, antialiased): uint8 `[C, size, size]`.

    A photograph is turned upright as its EXIF tag says, if that can be read. An animation gives its first frame.
    Palettes, CMYK, YCbCr and Lab become RGB, and transparency is laid over white. White is 65,535 in a file of 16 bits.
    A TIFF file of 32-bit integers does not say what white is: 255 if no value in it is larger, else 65,535.
    Floating-point numbers and values outside 0 to 65,535 have no such limit and are refused.

    Args:
        file: A path, the encoded bytes, or an image that Pillow has opened.
        name: What an error message calls the image.
        size: Height and width of the result, in pixels.
        num_channels: 3 for RGB, 1 for grey.

    Raises:
        ValueError: If the image cannot be decoded, or has more than `MAX_PIXELS` pixels; names it and says why.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("P", (40, 30)).save(buffer, "PNG")
        >>> decode(buffer.getvalue(), "a palette", 8).shape
        torch.Size([3, 8, 8])
    """
    square = decoded_image(file, name, num_channels, size)
    side = min(square.size)
    left, top = (square.width - side) / 2, (square.height - side) / 2
    if square.size != (size, size):
        square = square.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    return as_tensor(square)


def decode_whole(file: ImageFile, name: str, size: int, num_channels: int = 3) -> Tensor:
    """Decode an image as `decode` does, but all of it: uint8 `[C, h, w]`.

    Its shorter side is at most `size`, its longer side in proportion; a picture of which one side is more than twice
    the other loses what lies beyond that at both ends.

    Args:
        file: A path, the encoded bytes, or an image that Pillow has opened.
        name: What an error message calls the image.
        size: The largest shorter side, in pixels.
        num_channels: 3 for RGB, 1 for grey.

    Raises:
        ValueError: As `decode`.

    Example:
        >>> photo = Image.new("RGB", (90, 60))
        >>> decode_whole(photo, "a photo", 40).shape, decode_whole(photo, "a photo", 200).shape
        (torch.Size([3, 40, 60]), torch.Size([3, 60, 90]))
    """
    image = decoded_image(file, name, num_channels, size)
    side = min(image.size)
    width, height = (min(length, LONGEST * side) for length in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    box, scale = (left, top, left + width, top + height), min(1.0, size / side)
    if scale < 1:
        image = image.resize((round(scale * width), round(scale * height)), Image.Resampling.BILINEAR, box=box)
    elif image.size != (width, height):
        image = image.crop(box)
    return as_tensor(image)


def decoded_image(file: ImageFile, name: str, num_channels: int = 3, size: int | None = None) -> Image.Image:
    """An upright image of 8 bits, at its own size; a JPEG file, if `size` is given, at a scale that covers that.

    Raises:
        ValueError: As `decode`.
    """
    try:
        with _opened(file) as image:
            return _upright(image, size, "RGB" if num_channels == 3 else "L")
    except Exception as error:  # Pillow's decoders raise anything from OSError to IndexError on damaged files.
        reason = str(error) or type(error).__name__
        raise ValueError(f"cannot decode image {name}: {reason}; repair or remove it") from error


def as_tensor(image: Image.Image) -> Tensor:
    """The pixels of an image of 8 bits, uint8 `[C, H, W]`."""
    pixels = torch.from_numpy(np.array(image))
    return pixels.reshape(image.height, image.width, -1).permute(2, 0, 1)


def native_shape(file: ImageFile, name: str) -> tuple[int, int]:
    """The sides of an image in pixels, as they are stored, read from its header.

    Raises:
        ValueError: If it is no image, or too large; names it and says why.
    """
    try:
        with _opened(file) as image:
            _refuse_bomb(image)
            return image.size
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"cannot decode image {name}: {reason}; repair or remove it") from error


def native_size(file: ImageFile, name: str) -> int:
    """The shorter side of an image in pixels, read from its header.

    Raises:
        ValueError: If it is no image, or too large; names it and says why.
    """
    return min(native_shape(file, name))


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


def _opened(file: ImageFile) -> Image.Image:
    if isinstance(file, Image.Image):
        return file.copy()  # whoever reads it closes it
    return Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=_kinds())


def _refuse_bomb(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}: a decompression bomb?")


def _upright(image: Image.Image, size: int | None, mode: str) -> Image.Image:
    _refuse_bomb(image)
    if size is not None:
        image.draft(None, (size, size))  # JPEG: decodes at the smallest scale that still covers the size
    image.load()
    turn = _UPRIGHT.get(_orientation(image))  # after loading: Pillow has turned a TIFF image then, and says so
    flat = _to_8_bit(image, mode)
    return flat if turn is None else flat.transpose(turn)


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
