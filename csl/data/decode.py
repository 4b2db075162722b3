"""From an image file of any common kind to 8-bit pixels of one size."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The limit at which Pillow starts to warn; it refuses by itself only at twice that.
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485


def decode(file: str | bytes, name: str, size: int, num_channels: int = 3) -> Tensor:
    """Decode an image, cut its central square and resize that (bilinear, antialiased): uint8 `[C, size, size]`.

    Palettes and CMYK become RGB, 16-bit grey is scaled to 8 bits, transparency is laid over white, an animation
    gives its first frame, and a photograph is turned upright as its EXIF tag says.

    Args:
        file: A path, or the encoded bytes.
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
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            pixels = np.array(_small_square(image, size, "RGB" if num_channels == 3 else "L"))
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
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            _refuse_bomb(image)
            return int(min(image.size))
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"cannot decode image {name}: {reason}; repair or remove it") from error


def _refuse_bomb(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}: a decompression bomb?")


def _small_square(image: Image.Image, size: int, mode: str) -> Image.Image:
    _refuse_bomb(image)
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    image.draft(None, (size, size))  # JPEG: decodes at the smallest scale that still covers the size
    flat = _to_8_bit(image, mode)
    side = min(flat.size)
    left, top = (flat.width - side) / 2, (flat.height - side) / 2
    if flat.size != (size, size):
        flat = flat.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    return flat.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else flat


def _to_8_bit(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        return image
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers without a known range")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(_scale_16_bit(np.asarray(image))).convert(mode)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        opaque = image.convert("RGBA")
        canvas = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(canvas, opaque).convert(mode)
    return image.convert(mode)


def _scale_16_bit(values: np.ndarray) -> np.ndarray:
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ValueError(f"its pixels run from {values.min()} to {values.max()}, beyond 16 bits")
    return (values.astype(np.float32) / 257).round().astype(np.uint8)
