"""Sets of uint8 images of one size: held in memory, or decoded from their files when a batch asks for them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol, Self

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from csl.data.canvas import on_canvas
from csl.data.decode import LONGEST, ImageFile, decode, decode_whole, decoded_image, native_shape
from csl.types import RawBatch

_LOOKED_AT = 32


class ImageSet(Dataset[RawBatch], ABC):
    """Images with labels, fetched a whole batch at a time.

    Attributes:
        labels: Class indices `[N]`, int64; -1 where an image has no label.
        in_memory: Whether the pixels themselves are there, rather than files that hold them.
    """

    labels: Tensor
    in_memory: ClassVar[bool] = False

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def images(self, positions: Tensor) -> Tensor:
        """The images at some positions `[B]`, uint8 `[B, C, H, W]`."""

    @abstractmethod
    def select(self, positions: Tensor) -> Self:
        """The set of the images at some positions `[M]`, in that order."""

    def pil(self, position: int) -> Image.Image:
        """The image at a position, uncut and of its own size."""
        pixels = self.images(torch.tensor([position]))[0].permute(1, 2, 0).numpy()
        return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)

    def contents(self) -> Iterator[bytes]:
        """What tells this set from another, piece by piece, for a hash: its labels, and the images or their names."""
        yield self.labels.numpy().tobytes()

    def __getitem__(self, position: int) -> RawBatch:
        return self.__getitems__([position])

    def __getitems__(self, positions: Sequence[int]) -> RawBatch:
        index = torch.as_tensor(positions, dtype=torch.int64)
        return RawBatch(self.images(index), self.labels[index], index)


class ImageTensor(ImageSet):
    """A set held in memory.

    Args:
        images: uint8 `[N, C, H, W]`.
        labels: Class indices `[N]`; -1 where an image has no label.

    Raises:
        ValueError: If a shape or a type is another one.

    Example:
        >>> data = ImageTensor(torch.zeros(4, 3, 32, 32, dtype=torch.uint8), torch.arange(4))
        >>> data.__getitems__([2, 0]).labels
        tensor([2, 0])
    """

    in_memory: ClassVar[bool] = True

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        if images.ndim != 4 or images.dtype != torch.uint8:
            raise ValueError(f"images: expected uint8 [N, C, H, W], got {images.dtype} {list(images.shape)}")
        if labels.shape != images.shape[:1]:
            raise ValueError(f"labels: expected one for each of {len(images)} images, got {list(labels.shape)}")
        self.labels = labels.long()
        self._images = images

    def images(self, positions: Tensor) -> Tensor:
        """The images at some positions `[B]`, uint8 `[B, C, H, W]`."""
        return self._images[positions]

    def select(self, positions: Tensor) -> Self:
        """The set of the images at some positions `[M]`, in that order."""
        return type(self)(self._images[positions], self.labels[positions])

    def contents(self) -> Iterator[bytes]:
        """The labels and the pixels."""
        yield from super().contents()
        for images in torch.split(self._images, 1024):
            yield images.contiguous().numpy().tobytes()


class Encoded(Protocol):
    """Where encoded images come from."""

    @property
    def num_bytes(self) -> int:
        """What `hold` takes."""
        ...

    def read(self, row: int) -> tuple[ImageFile, str]:
        """An image file's path, its bytes or the image itself, and the name that an error message gives it."""
        ...

    def key(self, row: int) -> str:
        """What tells an image from the others and is the same wherever the data lies, such as a path in a folder."""
        ...

    def hold(self) -> None:
        """Get ready for reading in any order, by several processes."""
        ...

    def groups(self, rows: Tensor) -> Tensor | None:
        """Numbers that say which rows are best read together without `hold`; None where any order is as good."""
        ...


class EncodedImages(ImageSet):
    """A set whose images are decoded when they are asked for: batches hold all of them, `images` central squares.

    Args:
        encoded: Where the encoded images come from.
        rows: Which rows of it belong to this set `[N]`.
        labels: Class indices `[N]`; -1 where an image has no label.
        num_channels: 3 for RGB, 1 for grey.
        size: Height and width of the squares, and the largest shorter side of what is in batches, in pixels.

    Attributes:
        encoded: Where the encoded images come from.
    """

    def __init__(self, encoded: Encoded, rows: Tensor, labels: Tensor, num_channels: int, size: int = 32) -> None:
        self.labels = labels.long()
        self.num_channels = num_channels
        self.size = size
        self.encoded = encoded
        self._rows = rows

    def __getitems__(self, positions: Sequence[int]) -> RawBatch:
        index = torch.as_tensor(positions, dtype=torch.int64)
        images, sizes = on_canvas([self.whole(position) for position in index.tolist()])
        return RawBatch(images, self.labels[index], index, sizes)

    def whole(self, position: int) -> Tensor:
        """All of the image at a position, uint8 `[C, h, w]`, with a shorter side of at most `size`."""
        return decode_whole(*self.encoded.read(int(self._rows[position])), self.size, self.num_channels)

    def pil(self, position: int) -> Image.Image:
        """The image at a position, uncut and of its own size."""
        return decoded_image(*self.encoded.read(int(self._rows[position])), self.num_channels)

    def images(self, positions: Tensor) -> Tensor:
        """The central squares of the images at some positions `[B]`, uint8 `[B, C, size, size]`."""
        out = torch.empty((len(positions), self.num_channels, self.size, self.size), dtype=torch.uint8)
        for image, row in zip(out, self._rows[positions].tolist(), strict=True):
            file, name = self.encoded.read(row)
            image.copy_(decode(file, name, self.size, self.num_channels))
        return out

    def select(self, positions: Tensor) -> Self:
        """The set of the images at some positions `[M]`, in that order."""
        rows, labels = self._rows[positions], self.labels[positions]
        return type(self)(self.encoded, rows, labels, self.num_channels, self.size)

    def name(self, position: int) -> str:
        """What an error message calls the image at a position."""
        return self.encoded.read(int(self._rows[position]))[1]

    def keys(self) -> list[str]:
        """What tells each image from the others, wherever the data lies."""
        return [self.encoded.key(row) for row in self._rows.tolist()]

    def contents(self) -> Iterator[bytes]:
        """The labels and the names of the images."""
        yield from super().contents()
        for key in self.keys():
            yield key.encode("utf-8", "surrogateescape") + b"\0"

    def num_bytes(self) -> float:
        """About what all images take when they are decoded; some are looked at for their shape."""
        step = 1 if self.groups() is not None else max(1, len(self) // _LOOKED_AT)
        found = [self._bytes_of(row) for row in self._rows[::step][: 2 * _LOOKED_AT].tolist()]
        known = [number for number in found if number]
        return len(self) * sum(known) / max(1, len(known))

    def _bytes_of(self, row: int) -> float:
        try:
            short, long = sorted(native_shape(*self.encoded.read(row)))
        except ValueError:  # whoever decodes it will say so
            return 0.0
        side = min(short, self.size)
        return self.num_channels * side**2 * min(long / short, LONGEST)

    def groups(self) -> Tensor | None:
        """Numbers `[N]` that say which images are best read together; None where any order is as good."""
        return self.encoded.groups(self._rows)

    def resized(self, size: int) -> Self:
        """The same set, decoded to another size."""
        return type(self)(self.encoded, self._rows, self.labels, self.num_channels, size)
